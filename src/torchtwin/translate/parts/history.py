"""What comes out of a training, and what is printed of it."""

from __future__ import annotations

import numpy as np


class History:
    """The figures of every epoch: `history` has a list for each name."""

    def __init__(self):
        self.epoch, self.history = [], {}

    def add(self, epoch, logs):
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


def show(head, seconds, logs):
    """Print figures on a line."""
    figures = (f"{name}: {value:.4g}" for name, value in logs.items() if np.ndim(value) == 0)
    print(" - ".join([head, f"{seconds:.1f}s", *figures]), flush=True)
