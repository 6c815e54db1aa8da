"""The history of a run, as history.csv and history.png."""

from __future__ import annotations

import csv
import os

from torchtwin.training.parts.callbacks import Callback, say


class History(Callback):
    """Writes the figures of every epoch to history.csv, and at the end their curves.

    A row is there as soon as its epoch is over. A run that goes on from a checkpoint goes on
    behind the checkpoint's epochs.
    """

    remembered = ("rows",)

    def __init__(self):
        self.rows = []
        self.columns = None

    def on_epoch_end(self, run, epoch, logs):
        self.rows.append({"epoch": epoch, **{name: float(logs[name]) for name in logs}})
        if not run.is_main:
            return
        columns = ["epoch", *sorted({name for row in self.rows for name in row} - {"epoch"})]
        path = run.output / "history.csv"
        if columns == self.columns and path.exists():
            with path.open("a", newline="") as file:
                csv.DictWriter(file, columns, lineterminator="\n").writerow(self.rows[-1])
        else:
            self._rewrite(path, columns)

    def _rewrite(self, path, columns):
        """Write all rows: the first time, behind a checkpoint, and where a figure is new."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        with draft.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(draft, path)
        self.columns = columns

    def on_train_end(self, run, logs):
        if run.is_main and self.rows:
            try:
                plot_history(self.rows, run.output / "history.png")
            except ImportError:
                say(run, "There is no history.png, because matplotlib is not installed.")


def plot_history(rows, path):
    """Draw one panel for each figure, with its curve in training and in validation."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    found = {name.removeprefix("val_") for row in rows for name in row} - {"epoch"}
    names = sorted(found, key=lambda name: ("learning_rate" in name, name != "loss", name))
    across = 2 if len(names) == 4 else min(len(names), 3)
    down = -(-len(names) // across)
    figure = Figure(figsize=(4.5 * across, 3.4 * down), layout="constrained")
    FigureCanvasAgg(figure)
    for k, name in enumerate(names):
        panel = figure.add_subplot(down, across, k + 1)
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            points = [(row["epoch"] + 1, row[key]) for row in rows if key in row]
            if points:
                marker = "o" if len(points) < 25 else ""  # one epoch alone draws no line
                panel.plot(*zip(*points, strict=True), marker=marker, markersize=3, label=label)
        panel.set_title(name.replace("_", " "))
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3)
        if len(panel.lines) > 1:
            panel.legend()
    figure.savefig(path, dpi=120)
