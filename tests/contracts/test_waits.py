"""Tests wait as long as tests/patience.py says: no wait of theirs has a length of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
# What is called with how long it waits, and where among its arguments that stands.
_WAITS: Final = {"wait_for": 1, "settimeout": 0, "set_default_timeout": 0, "poll": 0, "join": 0}
_NAMED: Final = {"timeout", "open_timeout", "within"}
# A shorter time is not patience, but a look whether something is there already.
_A_LOOK: Final = 3.0
_OVER_A_SOCKET: Final = {"get", "post", "Client", "AsyncClient"}


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_of(call: ast.Call, module: str) -> bool:
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(of, ast.Name) and of.id == module


def _number(argument: ast.expr) -> float:
    is_number = isinstance(argument, ast.Constant) and isinstance(argument.value, int | float)
    return float(argument.value) if is_number else 0.0  # type: ignore[attr-defined]


def _lengths(call: ast.Call) -> Iterator[ast.expr]:
    yield from (keyword.value for keyword in call.keywords if keyword.arg in _NAMED)
    position = 0 if _is_of(call, "asyncio") and _called(call) == "timeout" else None
    position = _WAITS.get(_called(call), position)
    if position is not None:
        yield from call.args[position : position + 1]


def _has_own_length(call: ast.Call) -> bool:
    """Tell whether it waits for something that must happen, for so many seconds."""
    is_mark = _called(call) == "timeout" and not _is_of(call, "asyncio")
    return not is_mark and any(_number(length) > _A_LOOK for length in _lengths(call))


def _has_no_length(call: ast.Call) -> bool:
    """Tell whether it waits over a socket for as long as httpx does by itself: five seconds."""
    given = {keyword.arg for keyword in call.keywords}
    is_request = _is_of(call, "httpx") and _called(call) in _OVER_A_SOCKET
    return is_request and not given & {"timeout", "transport"}


def _faults(text: str) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if _has_own_length(call) or _has_no_length(call)]


def test_no_test_waits_for_a_time_of_its_own() -> None:
    files = [path for path in TESTS.rglob("*.py") if "node_modules" not in path.parts]
    found = {str(path.relative_to(TESTS)): _faults(path.read_text()) for path in files}

    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    "text",
    [
        "httpx.get(url)",
        "httpx.AsyncClient(base_url=url)",
        "httpx.post(url, timeout=30)",
        "asyncio.timeout(10)",
        "asyncio.wait_for(answers.get(), 20.0)",
        "process.wait(timeout=60)",
        "subprocess.run(command, timeout=60)",
        "context.set_default_timeout(10_000)",
        "listener.next(within=5)",
    ],
)
def test_such_a_wait_is_found(text: str) -> None:
    """The control of the test above."""
    assert _faults(text) == [ast.unparse(ast.parse(text, mode="eval"))]


@pytest.mark.parametrize(
    "text",
    [
        "httpx.get(url, timeout=PATIENCE)",
        "httpx.AsyncClient(transport=transport, base_url=url)",
        "asyncio.timeout(SILENCE)",
        "pytest.mark.timeout(900)",
        "listener.next(within=0.1)",
    ],
)
def test_any_other_is_not(text: str) -> None:
    assert _faults(text) == []
