"""Epochs: what Keras's `fit`, `evaluate` and `predict` do."""

from __future__ import annotations

import collections.abc

import numpy as np
import torch

from torchtwin.training.parts.data import take
from torchtwin.training.parts.loop import batches
from torchtwin.training.parts.optimizer_steps import use_averages
from torchtwin.training.parts.recipe import OUTPUTS, predictions


def fit(run, data, *, epochs, validation=None, steps_per_epoch=None, checkpoint_every=None):
    """Train until `epochs` epochs are done, from where the run is; return the last figures.

    `data` and `validation` are `Arrays`, or any iterable with a length, such as a DataLoader, of
    (inputs, targets) or (inputs, targets, weights). An epoch of `steps_per_epoch` goes on where
    the one before stopped, and ends where the data ends, as in Keras. `checkpoint_every` counts
    steps; there is a checkpoint behind every epoch too.
    """
    steps, logs = steps_per_epoch or len(data), {}
    call(run, "on_train_begin")
    while run.epoch < epochs and not run.stop:
        call(run, "on_epoch_begin", run.epoch)
        first = run.drawn - run.batch
        last = min(first + steps, (first // len(data) + 1) * len(data))  # where the data ends
        for batch, samples in batches(data, first, run.drawn, last):
            run.train_batch(batch, samples)
            run.batch, run.drawn = run.batch + 1, run.drawn + 1
            call(run, "on_batch_end", run.batch - 1, Running(run.figures))
            if run.stop:
                break
            if checkpoint_every and run.step % checkpoint_every == 0:
                run.save_checkpoint(run.output / "checkpoints" / "last.pt")
        logs = run.figures.compute()
        if validation is not None:
            call(run, "on_test_begin")
            found = run.evaluate(validation)
            call(run, "on_test_end", found)
            logs |= {f"val_{name}": value for name, value in found.items()}
        run.figures.reset()
        run.epoch, run.batch = run.epoch + 1, 0
        call(run, "on_epoch_end", run.epoch - 1, logs)
        run.save_checkpoint(run.output / "checkpoints" / "last.pt")
    use_averages(run.optimizer)  # when: averages
    call(run, "on_train_end", logs)
    return logs


def call(run, event, *arguments):
    """Tell every callback of an event."""
    for callback in run.callbacks:
        getattr(callback, event)(run, *arguments)


class Running(collections.abc.Mapping):
    """The figures of an epoch so far, computed when somebody looks at them."""

    def __init__(self, figures):
        self.figures, self.found = figures, None

    def __getitem__(self, name):
        if name in self.figures.sums:
            return self.figures.losses()[name]
        self.found = self.found or self.figures.compute(local=True)
        return self.found[name]

    def __iter__(self):
        return iter(
            ["loss", *(n for n in (*self.figures.sums, *self.figures.metrics) if n != "loss")]
        )

    def __len__(self):
        return len(list(iter(self)))


@torch.no_grad()
def predict(run, inputs, batch_size=32):
    """Return the outputs for arrays of inputs, as numpy arrays; every process computes all."""
    run.forward.eval()
    found = []
    for start in range(0, len(inputs[0]), batch_size):
        chosen = np.arange(start, min(start + batch_size, len(inputs[0])))
        given, *_ = run.to_device((tuple(take(x, chosen) for x in inputs), (), ()))
        outputs = predictions(run.forward(*given)[: len(OUTPUTS)])
        found.append([x.cpu().numpy() for x in outputs])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]
