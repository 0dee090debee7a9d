"""What the faces are given acts for a principal; what acts without one is out of their reach."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest

import gateway
from gateway.config.settings import Settings
from gateway.domain.principals import Principal
from gateway.runtime import Runtime
from gateway.services.container import BoundServices, Services
from gateway.services.context import RequestScope, ScopedService
from gateway.services.hierarchy import Hierarchy
from gateway.storage.unit_of_work import WriteUnit

pytestmark = pytest.mark.unmeasured

# What is shared by all principals, and why it gives nobody anything.
HARMLESS: Final = MappingProxyType(
    {
        "authentication.now": "the clock",
        "authentication.token_principal": "sign-in: makes the principal of a token's text",
        "authentication.user_principal": "sign-in: makes the principal of a verified identity",
        "deliveries.recorded": "a number of this process, of no tenant",
        "deliveries.unchanged": "a number of this process, of no tenant",
        "for_principal": "binds the use cases to a principal",
        "notifier.access_changes": "a number of this process, of no tenant",
        "notifier.has_heard_of": "compares two numbers",
        "notifier.running": "starts the task that looks for changes; it shows none",
        "notifier.subscribe": "a subscription says when to look, never what there is",
        "notifier.wake": "makes that task look at once",
        "shielded_tasks.shield": "waits for work that the caller brings",
        "shielded_tasks.drain": "waits for what is under way",
    }
)
# The parts of the use cases, which have no permission to check. No face may name them.
_PARTS: Final = frozenset({"context", "shared", "writing"})
# These act for the operator of any organization, so they may name that principal.
_MAY_ACT_AS_OPERATOR: Final = ("cli/", "services/operator/", "services/demo.py")
_SOURCES: Final = Path(gateway.__file__).parent


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """The use cases that the faces are given."""
    return Runtime.over(Settings(data_dir=tmp_path)).services


@pytest.fixture
def bound(services: Services) -> BoundServices:
    """The use cases of one principal."""
    return services.for_principal(Principal(id="id", organization_id="organization"))


def test_each_use_case_of_the_faces_is_bound_to_a_principal(bound: BoundServices) -> None:
    assert set(_unbound(bound)) == {"finish", "look_up", "principal", "view", "visibility"}


def test_no_use_case_takes_another_principal_or_the_write_of_another(bound: BoundServices) -> None:
    assert set(_unchecked(bound)) == set()


def test_a_planted_method_is_found(services: Services) -> None:
    """Control: one that takes any principal, a mere step, and what is bound to nobody."""

    class Planted(Hierarchy):
        async def everything(self, *, principal: Principal) -> None:
            """Act for somebody else."""

        async def step(self, unit: WriteUnit) -> None:
            """Act inside a write that somebody else has allowed."""

    class Wider(BoundServices):
        @property
        def hierarchy(self) -> Planted:  # type: ignore[override] # planted
            return Planted(self)

        @property
        def everybody(self) -> int:
            return 1

    principal = Principal(id="id", organization_id="organization")
    planted = Wider(services.for_principal(principal).context, principal)
    planted.shared = services

    assert set(_unchecked(planted)) == {"hierarchy.everything", "hierarchy.step"}
    assert "everybody" in set(_unbound(planted))


def test_what_all_principals_share_is_harmless(services: Services) -> None:
    # Equal, so that the list has no stale line either.
    assert set(_members(services)) == set(HARMLESS)


def test_no_face_reaches_the_parts_of_the_use_cases() -> None:
    reaching = {name for name, tree in _sources() if _names_parts(tree)}

    assert {name for name in reaching if not name.startswith("services/")} == set()
    # Control: the services do, so a use is seen.
    assert reaching


def test_no_face_makes_itself_the_operator() -> None:
    acting = {name for name, tree in _sources() if _names_the_operator(tree)}

    assert {name for name in acting if not name.startswith(_MAY_ACT_AS_OPERATOR)} == set()
    # Control: the command line does, so a use is seen.
    assert any(name.startswith("cli/") for name in acting)


def _public(value: object) -> Iterator[str]:
    return (name for name in dir(type(value)) if not name.startswith("_") and name not in _PARTS)


def _unbound(bound: BoundServices) -> Iterator[str]:
    """Give the attributes that are not use cases of the principal."""
    for name in _public(bound):
        declared = inspect.getattr_static(type(bound), name)
        is_plain = name in RequestScope.__slots__ or inspect.isfunction(declared)
        if name == "view" or is_plain or not isinstance(getattr(bound, name), ScopedService):
            yield name


def _unchecked(bound: BoundServices) -> Iterator[str]:
    """Give the methods that can act for another principal, or in the write of another."""
    for name in set(_public(bound)) - set(_unbound(bound)):
        service = getattr(bound, name)
        for member in _public(service):
            if {Principal, WriteUnit} & set(_annotations(getattr(service, member))):
                yield f"{name}.{member}"


def _members(services: Services) -> Iterator[str]:
    yield "for_principal"
    for name in filter(lambda name: not name.startswith("_"), vars(services)):
        yield from (f"{name}.{member}" for member in _public(getattr(services, name)))


def _annotations(method: Any) -> Iterator[Any]:
    for parameter in inspect.signature(method, eval_str=True).parameters.values():
        yield parameter.annotation


def _names_parts(tree: ast.Module) -> bool:
    """Return whether it reads a part of services, such as `services.context`."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in _PARTS
        and ast.unparse(node.value).endswith("services")
        for node in ast.walk(tree)
    )


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
