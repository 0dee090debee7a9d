"""Loads the function of a command, with all that it imports, in little time."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from gateway.cli.interrupts import ended_by_interrupt

_PACKAGE: Final = "gateway.cli"
# structlog would import it to print tracebacks, which the gateway prints plain.
_NEEDLESS: Final = "rich"


def load_function(target: str) -> Callable[..., None]:
    """Import a module of the command line; return its function, as in `module:function`."""
    module_name, _, function_name = target.partition(":")
    with ended_by_interrupt(), _without_garbage_collection(), _without(_NEEDLESS):
        module = import_module(f"{_PACKAGE}.{module_name}")
    function: Callable[..., None] = getattr(module, function_name)
    return function


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    # An import leaves next to no garbage, and would be searched for it again and again.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Let the block's imports find no such module, unless it is imported already."""
    if name in sys.modules:
        yield
        return
    # What Python takes for a module that is not installed.
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
