"""Progress for whoever waits: bars on a terminal, a line now and then in a pipe."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP_PERCENT = 25


class Meter:
    """Tells a person on standard error how far a job is."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def say(self, sentence: str) -> None:
        """A step that has no measure."""
        self._console.print(f"{sentence} …", highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, title: str, total: int | None) -> Iterator[Bar]:
        """A bar from 0 to ``total``, which may become known later."""
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=self._console,
            # What is piped elsewhere must not pass through the bar's terminal.
            redirect_stdout=sys.stdout.isatty(),
            disable=not self._console.is_terminal,
        )
        with progress:
            yield Bar(progress, progress.add_task(title, total=total), self._console)


class Bar:
    """One bar; in a pipe a line at every `STEP_PERCENT`."""

    def __init__(self, progress: Progress, task: TaskID, console: Console) -> None:
        self._progress = progress
        self._task = task
        self._console = console
        self._told = 0
        self._title = progress.tasks[task].description
        self._noted = ""

    def advance(self, amount: int) -> None:
        """Move on by ``amount``."""
        self._progress.advance(self._task, amount)
        self._tell()

    def show(self, completed: int, total: int) -> None:
        """Move to ``completed`` of ``total``."""
        self._progress.update(self._task, completed=completed, total=total or None)
        self._tell()

    def note(self, text: str) -> None:
        """Say behind the title what goes on, ``""`` for nothing out of the ordinary."""
        if text == self._noted:
            return
        self._noted = text
        description = f"{self._title}, {text}" if text else self._title
        self._progress.update(self._task, description=description)
        if self._progress.disable and text:
            self._print(description)

    def _tell(self) -> None:
        task = self._progress.tasks[self._task]
        step = int(task.percentage) // STEP_PERCENT
        if self._progress.disable and step > self._told:
            self._told = step
            self._print(f"{self._title}: {step * STEP_PERCENT} %")

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)
