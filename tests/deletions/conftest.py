"""Fixtures of tests about deletions whose rows go in steps."""

from tests.operations.conftest import shared_world as shared_world  # noqa: PLC0414 - for pytest
from tests.operations.conftest import stranger as stranger  # noqa: PLC0414 - as above
