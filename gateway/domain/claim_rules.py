"""Claim rules: a role for every identity whose token has the claims that the rule names."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from gateway.domain.content import utf8_length
from gateway.domain.errors import Argument, Conflict, InvalidInput, NotFound
from gateway.domain.grants import RoleAssignment
from gateway.domain.tokens import Creator

MAX_CLAIM_RULES: Final = 500
MAX_CONDITIONS: Final = 10
MAX_CONDITION_LENGTH: Final = 255

Claims = Mapping[str, Any]
NO_CLAIMS: Final[Claims] = MappingProxyType({})

_WILDCARD: Final = "*"
_SEPARATORS: Final = re.compile(r"([/:@])")
_BOOLEANS: Final = ("false", "true")
# Every token of an issuer has these, so they distinguish nobody.
_OF_EVERY_TOKEN: Final = frozenset({"aud", "exp", "iat", "iss", "jti", "nbf"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A subject that an issuer confirms, with the claims of the present token."""

    issuer: str
    subject: str
    claims: Claims = field(repr=False)

    @property
    def name(self) -> str:
        """The issuer and the subject, as the audit log names them; an issuer has no space."""
        return f"{self.issuer} {self.subject}"


@dataclass(frozen=True, slots=True, order=True)
class ClaimCondition:
    """What a claim must be: a text in which `*` is any part between two of `/`, `:` and `@`."""

    claim: str
    pattern: str

    def is_met(self, claims: Claims) -> bool:
        """Return whether the claim matches; of a list, whether one of its elements does."""
        if self.claim == "email" and not _is_verified(claims.get("email_verified")):
            return False
        found = claims.get(self.claim)
        elements = found if isinstance(found, list) else [found]
        return any(_matches(self.pattern, text) for text in _texts(elements))

    @property
    def distinguishes(self) -> bool:
        """Whether it requires some text that not every token has."""
        required = _SEPARATORS.sub("", self.pattern).replace(_WILDCARD, "")
        return bool(required) and self.pattern not in _BOOLEANS


def _is_verified(claim: object) -> bool:
    # Some issuers write the boolean as a text.
    return claim is True or claim == "true"


def _texts(elements: Iterable[object]) -> Iterator[str]:
    """Yield the texts that patterns are compared with; nothing for other types than these."""
    for element in elements:
        if isinstance(element, str):
            yield element
        elif isinstance(element, bool):
            yield _BOOLEANS[element]
        elif isinstance(element, int):
            yield str(element)


def _matches(pattern: str, text: str) -> bool:
    if _WILDCARD not in pattern:
        return pattern == text
    wanted, found = _SEPARATORS.split(pattern), _SEPARATORS.split(text)
    return len(wanted) == len(found) and all(map(_segment_matches, wanted, found))


def _segment_matches(wanted: str, found: str) -> bool:
    start, wildcard, end = wanted.partition(_WILDCARD)
    if not wildcard:
        return wanted == found
    # The wildcard is at least one character.
    return len(found) > len(start + end) and found.startswith(start) and found.endswith(end)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRule:
    """A role for identities of an issuer, while the rule exists and has not ended."""

    id: str
    organization_id: str
    name: str
    issuer: str
    # All must be met. In a fixed order, so that equal rules have equal conditions.
    conditions: tuple[ClaimCondition, ...]
    held: RoleAssignment
    created_at: datetime
    expires_at: datetime | None = None
    created_by: Creator


def applies(
    conditions: Iterable[ClaimCondition], expires_at: datetime | None, claims: Claims, at: datetime
) -> bool:
    """Return whether a rule with these conditions and this end applies to a token now."""
    is_over = expires_at is not None and at >= expires_at
    return not is_over and all(condition.is_met(claims) for condition in conditions)


_EXACT: Final = re.compile(r"[^*]+")
_PATH_OF_OWNER: Final = re.compile(r"[^*/:]+/.+")
_NAMESPACE: Final = re.compile(r"[^*/]+(/.+)?")
# The owner of a repository chooses what a subject consists of, but not the owner in it.
_GITHUB_SUBJECT: Final = re.compile(
    r"repo(sitory)?:[^*/:]+/.+|repository_(id|owner|owner_id):[^*:]+(:.+)?"
)
_GITLAB_SUBJECT: Final = re.compile(r"project_path:[^*/:]+/.+")
# Issuers whose tokens everybody can get. For each, the claims that belong to one of its customers,
# and the patterns that name that customer in full.
PUBLIC_ISSUERS: Final[Mapping[str, Mapping[str, re.Pattern[str]]]] = MappingProxyType(
    {
        "https://token.actions.githubusercontent.com": {
            "repository_owner_id": _EXACT,
            "repository_id": _EXACT,
            "repository_owner": _EXACT,
            "repository": _PATH_OF_OWNER,
            "sub": _GITHUB_SUBJECT,
        },
        "https://gitlab.com": {
            "namespace_id": _EXACT,
            "project_id": _EXACT,
            "namespace_path": _NAMESPACE,
            "project_path": _PATH_OF_OWNER,
            "sub": _GITLAB_SUBJECT,
        },
        "https://accounts.google.com": {"hd": _EXACT, "sub": _EXACT, "email": _EXACT},
    }
)


def ensure_conditions(issuer: str, conditions: Sequence[ClaimCondition]) -> None:
    """Refuse conditions that everybody can meet, and those that no reader could be sure about.

    Raises:
        InvalidInput: naming the rule.

    """
    if not 0 < len(conditions) <= MAX_CONDITIONS:
        _refuse(f"A claim rule must have 1 to {MAX_CONDITIONS} conditions.")
    if len(set(conditions)) < len(conditions):
        _refuse("A claim rule must not have the same condition twice.")
    for condition in conditions:
        _ensure_condition(condition)
    if not any(condition.distinguishes for condition in conditions):
        _refuse("A condition must require some text, or everybody at the issuer would meet it.")
    _ensure_customer_is_named(issuer, conditions)


def _ensure_condition(condition: ClaimCondition) -> None:
    for text in (condition.claim, condition.pattern):
        length = utf8_length(text, Argument.CONDITIONS)
        if not 0 < length <= MAX_CONDITION_LENGTH or not text.isprintable():
            _refuse(
                f"A claim and a pattern must have 1 to {MAX_CONDITION_LENGTH} bytes and no control "
                "characters."
            )
        if not unicodedata.is_normalized("NFC", text):
            _refuse("A claim and a pattern must be in Unicode's normal form C.")
    if condition.claim in _OF_EVERY_TOKEN:
        _refuse(f"The claims {', '.join(sorted(_OF_EVERY_TOKEN))} must not have conditions.")
    segments = _SEPARATORS.split(condition.pattern)
    if any(segment.count(_WILDCARD) > 1 for segment in segments):
        _refuse("A pattern must have at most one * between two of the characters / : @.")


def _ensure_customer_is_named(issuer: str, conditions: Iterable[ClaimCondition]) -> None:
    for public, owned in PUBLIC_ISSUERS.items():
        if issuer != public and not issuer.startswith(f"{public}/"):
            continue
        if not any(_names_customer(owned, condition) for condition in conditions):
            _refuse(
                "Everybody can get tokens of this issuer. A condition must name whose they are, "
                f"without * in the owner's part: {', '.join(owned)}."
            )


def _names_customer(owned: Mapping[str, re.Pattern[str]], condition: ClaimCondition) -> bool:
    form = owned.get(condition.claim)
    # No owner there has other characters, but some look like those that one has.
    return condition.pattern.isascii() and bool(form and form.fullmatch(condition.pattern))


def _refuse(message: str) -> None:
    raise InvalidInput(Argument.CONDITIONS, message)


class ClaimRuleNotFound(NotFound):
    def __init__(self, rule_id: str) -> None:
        super().__init__("claim rule", rule_id, Argument.CLAIM_RULE)


class ClaimRuleConflict(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "A claim rule with these conditions already gives this role there.", Argument.CONDITIONS
        )


class TooManyClaimRules(Conflict):
    """The organization has the maximum of rules. Sign-ins read those of the issuer."""

    def __init__(self) -> None:
        super().__init__(f"An organization must have at most {MAX_CLAIM_RULES} claim rules.")
