"""How long the path of one REST alias is: `python -m tests.benchmarks.path_length`.

The gateway runs in this process and answers POST /job/{jobId}/secret/{secretId}/alias twice: the
first alias fills the caches, the second is counted. Printed are the number of functions of
`gateway/` and `schema/` that it calls, the modules that they are in, and the trunk: each function,
coroutine and context manager that is open when the alias is inserted, the outermost first. `--all`
also lists the functions. Tasks that run beside the request are not counted.
"""

import asyncio
import inspect
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from opcode import opmap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import aiosqlite
import httpx
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped] # it has no types

from gateway.app import build_app
from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo
from tests.patience import PATIENCE

_ROOT: Final = Path(__file__).parents[2]
_OWN: Final = tuple(f"{_ROOT / name}/" for name in ("gateway", "schema"))
_INSERT: Final = "INSERT INTO secret "
# A comprehension is a part of the function around it; a module's own code runs once.
_PARTS: Final = frozenset({"<module>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_GENERATORS: Final = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


@dataclass(slots=True)
class Counted:
    """What one request calls."""

    functions: set[CodeType] = field(default_factory=set)
    trunk: Sequence[CodeType] = ()
    # Suspended generators: context managers whose block runs, by the frame that entered them.
    _entered: dict[FrameType, FrameType | None] = field(default_factory=dict)
    # The trunk of each task at its creation.
    _creators: dict["asyncio.Task[Any]", list[CodeType]] = field(default_factory=dict)

    @property
    def modules(self) -> set[str]:
        """The files of the functions."""
        return {code.co_filename for code in self.functions}

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what the block calls in this thread."""
        loop = asyncio.get_running_loop()
        if task := _current_task():
            self._creators[task] = []
        visit: Any = aiosqlite.Connection._execute  # noqa: SLF001 - every visit passes here

        async def seen(connection: aiosqlite.Connection, *call: object) -> object:
            self._on_visit(call)
            return await visit(connection, *call)

        aiosqlite.Connection._execute = seen  # type: ignore[method-assign] # noqa: SLF001
        loop.set_task_factory(self._create_task)
        sys.setprofile(self._on_call)
        try:
            yield
        finally:
            sys.setprofile(None)
            loop.set_task_factory(None)
            aiosqlite.Connection._execute = visit  # type: ignore[method-assign] # noqa: SLF001

    def _on_call(self, frame: FrameType, kind: str, _: object) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(_OWN) or code.co_name in _PARTS:
            return
        if kind == "call" and not self._is_of_another_task():
            self.functions.add(code)
        if code.co_flags & _GENERATORS:
            if kind == "call":
                self._entered.setdefault(frame, next(_own_frames(frame.f_back), None))
            elif kind == "return" and code.co_code[frame.f_lasti] != opmap["YIELD_VALUE"]:
                self._entered.pop(frame, None)

    def _is_of_another_task(self) -> bool:
        task = _current_task()
        return task is not None and task not in self._creators

    def _create_task(
        self, loop: asyncio.AbstractEventLoop, work: Any, /, **options: Any
    ) -> "asyncio.Task[Any]":
        trunk = self._open_hops(inspect.currentframe())
        task = asyncio.Task(work, loop=loop, **options)
        self._creators[task] = trunk
        return task

    def _on_visit(self, call: Sequence[object]) -> None:
        if _INSERT in str(call[-1]):
            self.trunk = self._open_hops(inspect.currentframe())

    def _open_hops(self, innermost: FrameType | None) -> list[CodeType]:
        frames = list(_own_frames(innermost))
        task = _current_task()
        hops = list(self._creators[task]) if task in self._creators else []
        for frame in reversed(frames):
            hops.append(frame.f_code)
            hops += self._entered_by(frame, frames)
        return hops

    def _entered_by(self, frame: FrameType, running: list[FrameType]) -> Iterator[CodeType]:
        for manager, owner in self._entered.items():
            if owner is frame and manager not in running:
                yield manager.f_code
                yield from self._entered_by(manager, running)


def _current_task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # The event loop has not started or has ended.
        return None


def _own_frames(innermost: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of a stack, with those that await it; SQLAlchemy runs on its own stack."""
    stack: greenlet | None = getcurrent()
    frame = innermost
    while stack is not None:
        while frame is not None:
            if frame.f_code.co_filename.startswith(_OWN) and frame.f_code.co_name not in _PARTS:
                yield frame
            frame = frame.f_back
        stack = stack.parent
        frame = stack.gr_frame if stack is not None else None


async def _add_alias(client: httpx.AsyncClient, demo: Demo, key: str) -> None:
    path = f"/job/{demo.job_id}/secret/{demo.built_in_secret_id}/alias"
    response = await client.post(path, json={"key": key})
    response.raise_for_status()


async def count(data_dir: Path, demo: Demo) -> Counted:
    """Add two aliases to the demo; count the second."""
    counted, runtime = Counted(), Runtime.over(Settings(data_dir=data_dir))
    async with (
        runtime.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(build_app(runtime)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {demo.token}"},
            timeout=PATIENCE,
        ) as client,
    ):
        await _add_alias(client, demo, "WARM")
        with counted.counting():
            await _add_alias(client, demo, "COUNTED")
            await runtime.services.shielded_tasks.drain()
    return counted


async def _count_in(data_dir: Path) -> Counted:
    settings = Settings(data_dir=data_dir)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        demo = await ensure_demo(runtime.services, runtime.operator, runtime.database)
    return await count(data_dir, demo)


def _located(code: CodeType) -> str:
    file = Path(code.co_filename).relative_to(_ROOT)
    return f"{file}:{code.co_firstlineno} {code.co_qualname}"


def main() -> None:
    """Count, and print."""
    with tempfile.TemporaryDirectory() as folder:
        counted = asyncio.run(_count_in(Path(folder)))
    print(f"trunk      {len(counted.trunk)}")
    print(f"functions  {len(counted.functions)}")
    print(f"modules    {len(counted.modules)}")
    for number, code in enumerate(counted.trunk, 1):
        print(f"{number:>4}  {_located(code)}")
    if "--all" in sys.argv[1:]:
        print("all functions:", *sorted(map(_located, counted.functions)), sep="\n      ")


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, LogLevel.WARNING)
    main()
