"""What the commands write to: a terminal with colours, or plain text where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torchtwin.errors import shortened

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PATIENCE = 1.0
"""Seconds after which a progress bar appears."""
WIDEST = 400
FACT_WIDTH = 16


class Screen:
    """Prints texts and tables. All that comes from a file is cleaned of control characters."""

    def __init__(self) -> None:
        from rich.console import Console

        self.out = Console(highlight=False, markup=False, emoji=False)
        self.err = Console(stderr=True, highlight=False, markup=False, emoji=False)
        if not self.out.is_terminal:
            self.out.width = WIDEST  # a table in a file or a pipe is neither cut nor wrapped

    def line(self, *parts: str | tuple[str, str]) -> None:
        """Print a line of texts, or of (text, style) pairs."""
        self.out.print(_text(parts))

    def fact(self, heading: str, *parts: str | tuple[str, str]) -> None:
        """Print a line that starts with a heading of fixed width, wrapped behind it."""
        from rich.table import Table

        grid = Table.grid()
        grid.add_column(width=FACT_WIDTH, style="dim")
        grid.add_column()
        grid.add_row(heading, _text(parts))
        self.out.print(grid)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; columns whose heading starts with `>` are right-aligned."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        fancy = self.out.is_terminal
        table = Table(
            box=box.SIMPLE_HEAD if fancy else None, header_style="bold", pad_edge=False,
            padding=(0, 1 if fancy else 2, 0, 0), show_edge=False,
        )  # fmt: skip
        for k, column in enumerate(columns):
            right = column.startswith(">")
            table.add_column(
                column.lstrip(">"), justify="right" if right else "left", no_wrap=right,
                style="" if k == 0 or not fancy else STYLES.get(column.lstrip(">"), ""),
            )  # fmt: skip
        for row in rows:
            table.add_row(*(Text(_indented(cell)) for cell in row))
        self.out.print(table)

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Show a spinner on the terminal while something takes its time."""
        if not self.err.is_terminal:
            yield
            return
        with self.err.status(text, spinner="dots"):
            yield

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[int, int], None]]:
        """Give a callback for (done, total) bytes; a bar appears when it takes over a second."""
        bar = _Bar(self.err, text)
        try:
            yield bar.update
        finally:
            bar.stop()


STYLES = {"Class": "dim", "PyTorch": "cyan", "Output": "dim", "Status": "green"}


class _Bar:
    def __init__(self, console: Console, text: str) -> None:
        self.console, self.text = console, text
        self.started = time.monotonic()
        self.bar: Any = None
        self.task: Any = None

    def update(self, done: int, total: int) -> None:
        if not self.console.is_terminal or time.monotonic() - self.started < PATIENCE:
            return
        if self.bar is None:
            self.bar = self._made()
            self.task = self.bar.add_task(self.text, total=total)
            self.bar.start()
        self.bar.update(self.task, completed=done)

    def _made(self) -> Any:
        from rich import progress

        return progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()


def _text(parts: Sequence[str | tuple[str, str]]) -> Text:
    """Join parts, cleaned of control characters."""
    from rich.text import Text

    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text.assemble(*((shortened(text, 2000), style) for text, style in pairs))


def _indented(cell: str) -> str:
    """Clean a cell, keeping the spaces by which nested layers are set in."""
    text = cell.lstrip(" ")
    return " " * (len(cell) - len(text)) + shortened(text)


def complain(text: str) -> None:
    """Print a message for people to stderr."""
    print(text, file=sys.stderr)


def size_text(count: int) -> str:
    """Return a number of bytes as people read it: 214 kB."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"


def counted(number: int, word: str) -> str:
    """Return "1 layer", "1,204 layers"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
