"""No class that carries a value, a key or a token shows it when it is printed."""

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import pytest

import gateway
import schema

MARKER = "marker-5b21c9"
CARRYING = {"value", "content", "token"}


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # Alembic runs these; and what is started as a program is no module to import.
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _secret_fields(kind: type) -> list[str]:
    return [
        field.name
        for field in dataclasses.fields(kind)
        if field.name in CARRYING or "bytes" in str(field.type)
    ]


def _classes(module: ModuleType) -> Iterator[type]:
    for _, kind in inspect.getmembers(module, inspect.isclass):
        if kind.__module__ == module.__name__ and dataclasses.is_dataclass(kind):
            yield kind


CLASSES = {
    kind
    for package in (gateway, schema)
    for module in _modules(package)
    for kind in _classes(module)
    if _secret_fields(kind)
}


def _printed(kind: type) -> str:
    carrier: object = object.__new__(kind)
    for field in dataclasses.fields(kind):
        is_secret = field.name in _secret_fields(kind)
        object.__setattr__(carrier, field.name, MARKER if is_secret else None)
    return f"{carrier!r} {carrier}"


@pytest.mark.parametrize(
    "kind", sorted(CLASSES, key=str), ids=lambda item: f"{item.__module__}.{item.__name__}"
)
def test_what_carries_a_secret_does_not_show_it(kind: type) -> None:
    assert MARKER not in _printed(kind)


@dataclass(frozen=True, slots=True)
class _Careless:
    value: str
    sealed: bytes


def test_a_class_that_takes_no_care_would_show_it() -> None:
    """The control of the test above."""
    assert _printed(_Careless).count(MARKER) == 4


def test_the_search_finds_what_is_known_to_carry_secrets() -> None:
    """The control of the search."""
    names = {kind.__name__ for kind in CLASSES}

    assert names >= {"SecretDraft", "EditDraft", "SealedValue", "KeyFile", "SecretInput"}
