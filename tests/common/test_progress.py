import io

import pytest

from common.progress import ProgressBar, named
from tests.commands import Terminal


def test_bar_is_drawn_on_a_terminal_and_wiped_at_the_end() -> None:
    terminal = Terminal()

    with ProgressBar(terminal) as bar:
        bar("Reading a long thing", 0, 0)
        bar("Half", 1, 2)
        bar("More than there was", 3, 2)

    assert terminal.getvalue().split("\r") == [
        "",
        f"[{30 * ' '}]   0% Reading a long thing",
        f"[{15 * '#'}{15 * ' '}]  50% Half".ljust(58),
        f"[{30 * '#'}] 100% More than there was",
        57 * " ",
        "",
    ]


def test_bar_is_wiped_when_the_work_is_interrupted() -> None:
    terminal = Terminal()

    def work() -> None:
        with ProgressBar(terminal) as bar:
            bar("Half", 1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()

    assert terminal.getvalue().endswith(f"\r{42 * ' '}\r")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_nothing_is_written_without_terminal_or_step(stream: io.StringIO) -> None:
    with ProgressBar(stream) as bar:
        if not stream.isatty():
            bar("Half", 1, 2)

    assert stream.getvalue() == ""


def test_steps_are_told_with_a_name() -> None:
    steps: list[tuple[str, int, int]] = []

    named("Help desk", lambda *step: steps.append(step))("Writing", 1, 2)

    assert steps == [("Help desk: Writing", 1, 2)]
