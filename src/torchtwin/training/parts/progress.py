"""Progress as people expect it in a terminal, and plain lines where there is none."""

from __future__ import annotations

import os
import sys
import time

from torchtwin.training.parts.callbacks import Callback


class Progress(Callback):
    """Shows how training goes: a line for every epoch, drawn again and again in a terminal.

    `steps` is the number of batches of an epoch, None where it is not known yet. `verbose` is 0
    for nothing, 1 for a bar that moves, 2 for a line at the end of every epoch; without a
    terminal, 1 is as 2.
    """

    def __init__(self, epochs, steps=None, verbose=1):
        self.epochs, self.steps, self.verbose = epochs, steps, verbose
        self.interval = 0.1  # seconds between two drawings
        self.moving = verbose == 1 and sys.stdout.isatty()

    def on_epoch_begin(self, run, epoch):
        self.epoch, self.done, self.logs = epoch, 0, {}
        self.started = self.first = time.perf_counter()
        self.drawn = 0.0
        self._draw(run, {})

    def on_batch_end(self, run, batch, logs):
        self.done, self.logs = batch + 1, logs
        self.now = time.perf_counter()
        if self.done == 1:
            self.first = self.now  # the first step is slower than the others
        if self.now - self.drawn >= self.interval:
            self.drawn = self.now
            self._draw(run, logs)

    def on_test_begin(self, run):
        self._draw(run, self.logs, "validating")

    def on_epoch_end(self, run, epoch, logs):
        seconds = time.perf_counter() - self.started
        self.steps = self.steps or self.done
        if run.is_main and self.verbose:
            parts = [duration(seconds), f"{duration(self._per_step())}/step", *figures(logs)]
            line = "  ".join([self._head(), f"{self.done}/{self.steps}", *parts])
            print(("\r\033[K" if self.moving else "") + line, flush=True)

    def _head(self):
        width = len(str(self.epochs))
        return f"Epoch {self.epoch + 1:{width}}/{self.epochs}"

    def _per_step(self):
        if self.done < 2:
            return time.perf_counter() - self.started
        return (self.now - self.first) / (self.done - 1)

    def _draw(self, run, logs, doing=""):
        """Draw the line of the running epoch over what is there, no wider than the terminal.

        Where it is narrow, the figures matter more than the bar and the times.
        """
        if not (self.moving and run.is_main):
            return
        if self.steps:
            count = f"{self.done:{len(str(self.steps))}}/{self.steps}"
            left = self._per_step() * (self.steps - self.done) if self.done > 1 else 0
        else:
            count, left = f"batch {self.done}", 0
        speed = [f"{duration(self._per_step())}/step"] if self.done > 1 else []
        speed = [doing] if doing else speed
        remaining = [f"{duration(round(left))} left"] if left >= 1 else []
        width = terminal_width() - 1
        for parts in (
            [bar(self.done, self.steps, 20), count, *speed, *remaining],
            [bar(self.done, self.steps, 10), count, *speed],
            [count],
        ):
            line = "  ".join([self._head(), *filter(None, parts), *figures(logs)])
            if len(line) <= width:
                break
        print(f"\r\033[K{line[:width]}", end="", flush=True)


def bar(done, steps, width):
    """Return a bar that fills as the steps are done, "" when nobody knows how many there are."""
    if not steps:
        return ""
    full = round(width * min(done / steps, 1))
    try:
        "━─".encode(sys.stdout.encoding or "ascii")
    except UnicodeError:
        return f"[{'=' * full}{' ' * (width - full)}]"
    return "━" * full + "─" * (width - full)


def terminal_width():
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def figures(logs):
    """Return the running figures as people read them, "loss 0.3021", those of training first."""

    def place(name):
        return name == "learning_rate", name.startswith("val_"), not name.endswith("loss"), name

    return [f"{name} {figure(name, float(logs[name]))}" for name in sorted(logs, key=place)]


def figure(name, value):
    """Return a figure in a width that stays, four digits behind the point where they say much."""
    if name == "learning_rate" or 0 < abs(value) < 1e-3:
        return f"{value:.4g}"
    return f"{value:.4f}"


def duration(seconds):
    """Return a time as people say it: 850us, 12ms, 4.2s, 3:07, 1:02:45."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}us"
    if seconds < 1:
        return f"{seconds * 1e3:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s" if isinstance(seconds, float) else f"{seconds}s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
