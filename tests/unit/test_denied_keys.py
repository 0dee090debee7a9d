"""Patterns of keys that an operator denies."""

import pytest
from pydantic import ValidationError

from gateway.config.settings import Settings
from gateway.domain.holders import new_id
from gateway.domain.quotas import LOADER_KEYS, LOADERS, DeniedKey, DeniedKeys

HERE, ELSEWHERE = new_id(), new_id()


def _is_denied(patterns: list[str], key: str, organization_id: str = HERE) -> bool:
    try:
        DeniedKeys.read(patterns).ensure_allowed(key, organization_id=organization_id)
    except DeniedKey:
        return True
    return False


@pytest.mark.rule("S78")
@pytest.mark.parametrize(
    "key",
    [
        *("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV"),
        *("NODE_OPTIONS", "PYTHONSTARTUP", "PYTHONPATH", "PATH", "IFS", "PERL5OPT", "RUBYOPT"),
        *("JAVA_TOOL_OPTIONS", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "npm_config_node_options"),
    ],
)
def test_the_list_has_what_makes_a_process_run_code(key: str) -> None:
    """And the control without the list."""
    assert _is_denied([LOADERS], key)
    assert not _is_denied([], key)


@pytest.mark.rule("S78")
@pytest.mark.parametrize(
    "key", ["DATABASE_PASSWORD", "PATH_TO_FILE", "ENVIRONMENT", "OLD_PRELOAD", "ld_preload", "path"]
)
def test_the_list_has_no_others(key: str) -> None:
    """Letters count in their case, as they do for a process."""
    assert not _is_denied([LOADERS], key)


@pytest.mark.rule("S78")
def test_a_pattern_is_for_all_or_for_one_organization() -> None:
    patterns = ["ALL", f"{HERE}:HERE_*", f"{ELSEWHERE}:{LOADERS}"]

    denied = [
        key for key in ("ALL", "HERE_1", "PATH") if _is_denied(patterns, key, organization_id=HERE)
    ]

    assert denied == ["ALL", "HERE_1"]
    assert _is_denied(patterns, "PATH", organization_id=ELSEWHERE)


@pytest.mark.rule("S78")
@pytest.mark.parametrize("text", ["", "*", "A B", "1A", "A*B", "@others", "demo:PATH", ":PATH"])
def test_what_is_no_pattern_keeps_the_gateway_from_starting(text: str) -> None:
    """A pattern that denies nothing would not be noticed."""
    with pytest.raises(ValidationError, match="a denied key must be KEY"):
        Settings(denied_keys=(text,))


@pytest.mark.rule("S78")
def test_every_pattern_of_the_list_is_one() -> None:
    assert len(DeniedKeys.read(LOADER_KEYS).patterns) == len(LOADER_KEYS) == len(set(LOADER_KEYS))
