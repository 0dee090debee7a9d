"""A 304 of `/runtime` means that nothing in the delivery has changed, and is no delivery."""

import asyncio
import re
import shutil
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services import delivery
from gateway.services.demo import Demo
from tests.operations.delivering import delivery_events
from tests.world import World, open_world

Result = TypeVar("Result")
# Each is another selection of what the job gets, or another way to write it.
PATHS: Final = (
    "",
    "?include=files",
    "?keys=A,B",
    "/A",
    "/B?include=files",
    "?format=dotenv",
    "?format=k8s&include=files",
)
_SCOPES: Final = (Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB)
_KEYS: Final = ("A", "B", "C")
_RENAME: Final = """mutation ($id: ID!, $name: String!) {
    renameHolder(holder: { jobId: $id }, name: $name) { errors { code } } }"""


@dataclass(frozen=True, slots=True)
class Write:
    """One attempt to change something; what breaks a rule is refused and changes nothing."""

    action: str
    scope: Scope
    key: str
    value: str
    path: str | None

    async def attempt(self, world: World) -> None:
        at = self.scope, world.holders[self.scope]
        visible = await world.rest.visible(Scope.JOB, world.demo.job_id)
        ids = {row["key"]: row["id"] for row in visible}
        match self.action:
            case "create":
                fields: dict[str, Any] = {"key": self.key, "value": self.value}
                if self.path:
                    fields |= {"mount_path": self.path, "enable_interpolation_in_file": True}
                await world.rest.create(*at, **fields)
            case "edit" if self.key in ids:
                await world.rest.edit(*at, ids[self.key], key=self.key, value=self.value)
            case "delete" if self.key in ids:
                await world.rest.delete(*at, ids[self.key])
            case "override" if self.key in ids:
                await world.rest.override(*at, ids[self.key], value=self.value)
            case "alias" if "A" in ids:
                await world.rest.alias(*at, ids["A"], key=self.key)
            case "rename":
                variables = {"id": world.demo.job_id, "name": f"job {self.key}"}
                await world.graphql.ask(_RENAME, variables)
            case _:
                pass


WRITES: Final = st.builds(
    Write,
    action=st.sampled_from(["create", "create", "edit", "delete", "override", "alias", "rename"]),
    scope=st.sampled_from(_SCOPES),
    key=st.sampled_from(_KEYS),
    value=st.sampled_from(["", "x", "y", "{{A}}", "{{B}}{{C}}", r"\{{A}}", "/etc/B"]),
    path=st.sampled_from([None, None, "/etc/A", "/etc/B"]),
)
# A file, its content, what its content refers to, and one name for it.
# Each changes what some path shows, and nothing else of it: a value, the content of a file, what
# that refers to, a key, and a path that becomes a file.
CHANGES: Final = [
    Write("create", Scope.PROJECT, "A", "x", None),
    Write("create", Scope.JOB, "B", "{{A}}", "/etc/B"),
    Write("override", Scope.ENVIRONMENT, "A", "y", None),
    Write("edit", Scope.JOB, "B", "x", None),
    Write("rename", Scope.JOB, "A", "", None),
    Write("alias", Scope.JOB, "C", "", None),
    Write("delete", Scope.JOB, "B", "", None),
    Write("create", Scope.JOB, "B", "/etc/B", None),
]
Run = Callable[[Coroutine[Any, Any, Result]], Result]
Stage = tuple[World, Run[Any]]


@pytest.fixture(scope="module")
def stage(template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway, and what runs a coroutine in its loop."""
    folder, demo = template
    copied = Path(shutil.copytree(folder, tmp_path_factory.mktemp("unchanged") / "data"))
    with asyncio.Runner() as runner:
        opening = open_world(copied, demo)
        yield runner.run(opening.__aenter__()), runner.run
        runner.run(opening.__aexit__(None, None, None))


async def _get(world: World, path: str, tag: str | None = None) -> httpx.Response:
    headers = {"If-None-Match": tag} if tag else {}
    return await world.client.get(f"/runtime/{world.demo.job_id}{path}", headers=headers)


async def _assert_exact(world: World, writes: Sequence[Write]) -> None:
    """Compare what is delivered after each write with all that was delivered before."""
    bodies: dict[tuple[str, str], bytes] = {}
    tags: dict[tuple[str, bytes, str], str] = {}
    known: dict[str, str] = {}
    for write in (None, *writes):
        await (write.attempt(world) if write else _clear(world))
        answers = {path: await _get(world, path) for path in PATHS}
        besides = await _shown_by_other_formats(world, answers["?format=dotenv"])
        for path, answer in answers.items():
            if answer.status_code != HTTPStatus.OK:
                continue
            body, tag = answer.content, answer.headers["ETag"]
            assert bodies.setdefault((path, tag), body) == body, (path, write)
            assert tags.setdefault((path, body, besides), tag) == tag, (path, write)
            again = await _get(world, path, known.get(path))
            is_known = known.get(path) == tag
            assert (again.status_code == HTTPStatus.NOT_MODIFIED) is is_known, (path, write)
            assert again.content == (b"" if is_known else body)
            known[path] = tag


async def _shown_by_other_formats(world: World, dotenv: httpx.Response) -> str:
    """Return the name of the service and which values are paths of files."""
    document = "query ($id: ID!) { job(id: $id) { name } }"
    job = (await world.graphql.ask(document, {"id": world.demo.job_id}))["job"]
    return "\n".join([job["name"], *re.findall("^# .*", dotenv.text, re.MULTILINE)])


async def _clear(world: World) -> None:
    for scope in _SCOPES:
        for row in await world.rest.visible(scope, world.holders[scope]):
            if row["key"] in _KEYS and row["scope"] == scope:
                await world.rest.delete(scope, world.holders[scope], row["id"])


EXACT: Final = settings(max_examples=12, suppress_health_check=list(HealthCheck))


@pytest.mark.unmeasured
@pytest.mark.rule("R7")
@EXACT
@example(CHANGES)
@given(st.lists(WRITES, min_size=1, max_size=6))
def test_a_304_means_that_all_of_it_is_the_same(stage: Stage, writes: list[Write]) -> None:
    """To the byte, in every format. And all that is the same is a 304.

    The service's name counts, since a manifest has it, and which values are paths of files.
    """
    world, run = stage
    run(_assert_exact(world, writes))


@pytest.mark.unmeasured
@pytest.mark.rule("R7")
@pytest.mark.parametrize("left_out", ["value", "is_file", "file"])
def test_a_fingerprint_that_leaves_something_out_is_seen(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    """The control of the test above."""
    world, run = stage
    whole: Any = delivery._fingerprint  # noqa: SLF001 - what the control changes
    changed: Any = {left_out: {"value": "", "is_file": False, "file": None}[left_out]}

    def partial(*given: Any) -> Any:
        *others, secrets = given
        return whole(*others, [replace(secret, **changed) for secret in secrets])

    monkeypatch.setattr(delivery, "_fingerprint", partial)

    with pytest.raises(AssertionError):
        run(_assert_exact(world, CHANGES))


KNOWN: Final = ('"{}"', 'W/"{}"', '"other", "{}"', "*")


@pytest.mark.rule("R7")
@pytest.mark.parametrize("form", KNOWN)
@pytest.mark.parametrize("path", ["", "/SMTP_PASSWORD"])
def test_what_a_client_has_is_neither_delivered_nor_recorded(
    stage: Stage, form: str, path: str
) -> None:
    """It is counted instead."""
    world, run = stage
    operator = Principal.operator(world.demo.organization_id)
    counts = world.runtime.services.for_principal(operator).context.deliveries
    first = run(_get(world, path))
    recorded, unchanged = run(delivery_events(world, world.demo.job_id)), counts.unchanged

    again = run(_get(world, path, form.format(first.headers["ETag"].strip('"'))))

    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "no-store"
    assert run(delivery_events(world, world.demo.job_id)) == recorded
    assert counts.unchanged == unchanged + 1


@pytest.mark.rule("R7")
def test_what_a_client_does_not_have_is_delivered_and_recorded(
    stage: Stage,
) -> None:
    """The control of the test above."""
    world, run = stage
    recorded = run(delivery_events(world, world.demo.job_id))

    answer = run(_get(world, "", '"other"'))

    assert answer.status_code == HTTPStatus.OK
    assert run(delivery_events(world, world.demo.job_id)) == recorded + 1


@pytest.mark.rule("R7")
def test_a_tag_that_cannot_be_read_is_refused(stage: Stage) -> None:
    world, run = stage

    answer = run(_get(world, "", "a1b2"))

    assert answer.status_code == HTTPStatus.BAD_REQUEST


def test_one_who_may_not_have_values_learns_nothing_from_a_tag(
    stage: Stage,
) -> None:
    world, run = stage
    tag = run(_get(world, "")).headers["ETag"]
    viewer = run(world.client_with(Role.VIEWER))

    answers = [
        run(
            viewer.get(f"/runtime/{world.demo.job_id}", headers={"If-None-Match": known})
        ).status_code
        for known in (tag, '"other"', "*")
    ]

    assert set(answers) == {HTTPStatus.FORBIDDEN}
