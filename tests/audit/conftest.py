"""Fixtures of the trail's tests."""

from tests.operations.conftest import shared_world as shared_world  # noqa: PLC0414 - for pytest
