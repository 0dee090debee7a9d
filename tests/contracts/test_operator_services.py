"""What the faces are given acts for a principal; what acts without one is out of their reach."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest

import gateway
from gateway.domain.principals import Principal
from gateway.runtime import Runtime
from gateway.services.change_feed import Turns
from gateway.services.container import Services
from gateway.services.hierarchy import Hierarchy
from gateway.settings import Settings
from gateway.storage.unit_of_work import WriteUnit

pytestmark = pytest.mark.unmeasured

# What needs no principal, and why it gives nobody anything.
HARMLESS: Final = MappingProxyType(
    {
        "notifier.access_changes": "a number of this process, of no tenant",
        "notifier.has_heard_of": "compares two numbers",
        "notifier.running": "starts the task that looks for changes; it shows none",
        "notifier.subscriber_count": "a number of this process, of no tenant",
        "notifier.subscribe": "a subscription says when to look, never what there is",
        "notifier.wake": "makes that task look at once",
        "shielded_tasks.finished": "waits for work that the caller brings",
        "shielded_tasks.is_busy": "whether this process is writing",
        "shielded_tasks.drain": "waits for what is under way",
        "entity_tags.of_list": "the tag of a text that the caller is about to get",
        "identities.principal": "sign-in: makes the principal of a verified identity",
        "audit.id_of": "the id of an event that its reader has already",
        "tokens.now": "the clock",
        "tokens.principal": "sign-in: makes the principal of a token's text",
    }
)
# These act for the operator of any organization, so they may name that principal.
_MAY_ACT_AS_OPERATOR: Final = ("cli/", "services/operator/", "services/demo.py")
_SOURCES: Final = Path(gateway.__file__).parent


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """The use cases that the faces are given."""
    return Runtime.over(Settings(data_dir=tmp_path)).services


def test_each_use_case_of_the_faces_takes_a_principal(services: Services) -> None:
    assert set(_without_principal(services)) - set(HARMLESS) == set()


def test_the_list_of_what_is_harmless_has_no_stale_line(services: Services) -> None:
    assert set(HARMLESS) - set(_without_principal(services)) == set()


def test_a_planted_method_without_a_principal_is_found(services: Services) -> None:
    """Control: also one that only an object behind another has, a property, and a mere step."""

    class Inner(Hierarchy):
        async def everything(self, organization_id: str) -> None:
            """Act for nobody."""

        async def step(self, unit: WriteUnit, *, principal: Principal) -> None:
            """Act inside a write that somebody else has allowed."""

    class Outer(Hierarchy):
        inner: Inner

        @property
        def everybody(self) -> int:
            return 1

    outer = Outer.__new__(Outer)
    outer.inner = Inner.__new__(Inner)
    planted = set(_without_principal(replace(services, hierarchy=outer)))

    found = {"everybody", "inner.everything", "inner.step"}
    assert planted - set(HARMLESS) == {f"hierarchy.{name}" for name in found}


def test_no_face_makes_itself_the_operator() -> None:
    acting = {name for name, tree in _sources() if _names_the_operator(tree)}

    assert {name for name in acting if not name.startswith(_MAY_ACT_AS_OPERATOR)} == set()
    # Control: the command line does, so a use is seen.
    assert any(name.startswith("cli/") for name in acting)


def _without_principal(services: Services) -> Iterator[str]:
    for name in services.__slots__:
        for path in _unchecked(getattr(services, name), set()):
            yield f"{name}.{path}"


def _unchecked(service: object, seen: set[int]) -> Iterator[str]:
    """Give the public members of an object that take no principal, and of all behind it."""
    seen.add(id(service))
    for name in filter(lambda name: not name.startswith("_"), dir(service)):
        declared = inspect.getattr_static(type(service), name, None)
        if isinstance(declared, property):
            yield name
        member = getattr(service, name)
        if inspect.isroutine(member):
            if not _takes_a_principal(member):
                yield name
        elif type(member).__module__ != "builtins" and id(member) not in seen:
            yield from (f"{name}.{path}" for path in _unchecked(member, seen))


def _takes_a_principal(method: Any) -> bool:
    taken = {
        parameter.annotation
        for parameter in inspect.signature(method, eval_str=True).parameters.values()
    }
    # A step inside somebody else's write has no permission of its own to ask for.
    return bool(taken & {Principal, Turns}) and WriteUnit not in taken


def _sources() -> Iterator[tuple[str, ast.Module]]:
    folders = {_SOURCES: "", _SOURCES.parent / "schema": "schema/"}
    for folder, prefix in folders.items():
        for path in folder.rglob("*.py"):
            yield f"{prefix}{path.relative_to(folder).as_posix()}", ast.parse(path.read_bytes())


def _names_the_operator(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "operator"
        and isinstance(node.value, ast.Name)
        and node.value.id == "Principal"
        for node in ast.walk(tree)
    )
