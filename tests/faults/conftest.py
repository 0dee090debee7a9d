"""Fault tests take minutes: they run where their folder is asked for, as `make faults` does."""

from pathlib import Path

import pytest

from tests.races.fixtures import arena, several

__all__ = ["arena", "several"]

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip them in a run of all tests."""
    asked = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    if any(path == FOLDER or FOLDER in path.parents for path in asked):
        return
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="a fault test: make faults"))
