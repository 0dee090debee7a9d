"""Pictures to draw, made of the domain's own objects without a database."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Final

from gateway.domain.effective import Picture
from gateway.domain.holders import Holder, below, new_id
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretType

_MADE: Final = datetime(2026, 1, 1, tzinfo=UTC)

# Names that mean something in SVG, HTML, DOT, Mermaid or Markdown; control characters, which no
# holder's name has, are there too.
HOSTILE: Final = (
    '"',
    "'",
    'a"b',
    "<script>alert(1)</script>",
    "</title></svg><script>alert(1)</script>",
    "<!-- x",
    "]]>",
    "<![CDATA[x]]>",
    "&amp;",
    "&lt;b&gt;",
    "\\",
    "\\N \\G \\n",
    "end",
    "#quot;",
    '"]; evil["x',
    '" onload="alert(1)',
    "`**bold**`",
    "a\nb",
    "\u202egnp",
    "a\x00b",
    "javascript:alert(1)",
    "%%{init: {}}%%",
    "--> x",
    "subgraph x",
    "$$x^2$$",
    "{{x}}",
    "|pipe|",
    "a;b",
    "1. list",
    "# head",
    "@{ shape: x }",
    ":::hidden",
    "fa:fa-user",
    "<br/>",
    "Ä € \U0001f600",
)


def _holder(kind: Scope, name: str, parent: Holder | None = None) -> Holder:
    return below(parent, kind=kind, name=name, holder_id=new_id(), organization_id=new_id())


@dataclass(slots=True)
class Studio:
    """A service's chain, and the secrets that are put on it one by one."""

    name: str = "nightly"
    secrets: list[Secret] = field(default_factory=list)
    project: Holder = field(init=False)
    environment: Holder = field(init=False)
    job: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.project = _holder(Scope.PROJECT, "shop")
        self.environment = _holder(Scope.ENVIRONMENT, self.name, self.project)
        self.job = _holder(Scope.JOB, self.name, self.environment)

    def put(
        self,
        at: Holder,
        key: str,
        variable_type: SecretType = SecretType.VALUE,
        *,
        target: Secret | None = None,
    ) -> Secret:
        """Put a secret on a holder."""
        is_built_in = variable_type is SecretType.BUILT_IN
        secret = Secret(
            id=new_id(),
            key=key,
            mount_path=None,
            scope=Scope.BUILT_IN if is_built_in else at.kind,
            variable_type=variable_type,
            description=None,
            enable_interpolation_in_file=None,
            holder=at,
            service=None,
            target=target.facts if target else None,
            owned_by="QOVERY",
            version=1,
            created_at=_MADE,
            updated_at=_MADE,
        )
        self.secrets.append(secret)
        return secret

    def put_all(self, at: Holder, keys: Iterable[str]) -> list[Secret]:
        """Put plain values on a holder."""
        return [self.put(at, key) for key in keys]

    def alias(self, at: Holder, key: str, target: Secret) -> Secret:
        """Put an alias on a holder."""
        return self.put(at, key, SecretType.ALIAS, target=target)

    def override(self, at: Holder, target: Secret) -> Secret:
        """Put an override on a holder."""
        return self.put(at, target.key, SecretType.OVERRIDE, target=target)

    def picture(self, *, is_cut: bool = False) -> Picture:
        """Return the picture of the job."""
        answer = sorted(self.secrets, key=lambda secret: (secret.key, -secret.scope.rank))
        return Picture.of((self.project, self.environment, self.job), answer, is_cut=is_cut)


def small(name: str = "nightly") -> Picture:
    """Return a picture with one of each: a winner, a hidden row, an alias, an override."""
    studio = Studio(name)
    target = studio.put(studio.project, "URL")
    studio.override(studio.job, target)
    studio.alias(studio.environment, "LINK", target)
    return studio.picture()


def crowded() -> Picture:
    """Return a picture of a service that sees 200 secrets."""
    studio, numbers = Studio(), count()
    holders = (studio.project, studio.environment, studio.job)
    for at, holder in enumerate(holders):
        for beginning in ("AWS", "DATABASE", "MAIL", "REDIS", "STRIPE"):
            studio.put_all(holder, (f"{beginning}_{at}_{next(numbers)}" for _ in range(10)))
    targets = list(studio.secrets[:25])
    for number, target in enumerate(targets):
        studio.override(studio.job, target)
        studio.alias(holders[number % 3], f"APP_{number}", target)
    return studio.picture()


def star(rays: int) -> Picture:
    """Return a picture in which many aliases stand for one secret."""
    studio = Studio()
    target = studio.put(studio.project, "HUB")
    for number in range(rays):
        studio.alias(studio.job, f"RAY_{number:04}", target)
    return studio.picture()


def unseen_target() -> Picture:
    """Return a picture with an alias whose target the viewer may not see."""
    studio = Studio()
    studio.secrets.append(
        replace(
            studio.alias(studio.job, "LINK", studio.put(studio.project, "URL")),
            target=None,
        )
    )
    studio.secrets = studio.secrets[-1:]
    return studio.picture()
