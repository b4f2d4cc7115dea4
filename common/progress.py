"""How far a long job is: what it calls while it works, and a bar for a person at a terminal."""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

OnStep = Callable[[str, int, int], object]
"""Called with what is being done, how much of it is done and how much there is (0: not known)."""
BAR_WIDTH = 30


def named(name: str, on_step: OnStep) -> OnStep:
    """The same, told with whom or what each step is about."""
    return lambda step, done, total: on_step(f"{name}: {step}", done, total)


class ProgressBar:
    """An ``OnStep`` that draws on a terminal and wipes its line at the end; elsewhere nothing, so that logs and pipes
    stay clean."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty()
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._width:
            self._draw("")
            self._stream.write("\r")
            self._stream.flush()

    def __call__(self, step: str, done: int, total: int) -> None:
        if self._shows:
            share = min(done / total, 1) if total else 0
            bar = "#" * round(BAR_WIDTH * share)
            self._draw(f"[{bar:<{BAR_WIDTH}}] {share:4.0%} {step}")

    def _draw(self, line: str) -> None:
        self._stream.write(f"\r{line:<{self._width}}")
        self._stream.flush()
        self._width = len(line)
