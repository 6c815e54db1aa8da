"""Batches out of arrays, as Keras's `fit` makes them."""

from __future__ import annotations

import math

import numpy as np
import torch

from torchtwin.training.parts.processes import rank, world_size


class Arrays:
    """Batches of arrays: (inputs, targets, weights), each a tuple of tensors.

    Every process gets its share of each batch, so that the batches are the same for any number
    of processes. The order of a pass depends on `seed` and the pass alone.
    """

    def __init__(self, inputs, targets, weights=(), *, batch_size=32, shuffle=False, seed=0):
        self.arrays = (tuple(inputs), tuple(targets), tuple(weights))
        lengths = {len(a) for group in self.arrays for a in group}
        if len(lengths) != 1:
            raise SystemExit(f"the arrays have different numbers of samples: {sorted(lengths)}")
        self.samples = lengths.pop()
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.order, self.ordered = np.arange(self.samples), -1

    def __len__(self):
        return math.ceil(self.samples / self.batch_size)

    def batch(self, index):
        """Return batch `index`, counted over all passes, and its number of samples."""
        turn, k = divmod(index, len(self))
        if self.shuffle and turn != self.ordered:
            generator = torch.Generator().manual_seed(self.seed + turn)
            self.order = torch.randperm(self.samples, generator=generator).numpy()
            self.ordered = turn
        chosen = self.order[k * self.batch_size : (k + 1) * self.batch_size]
        mine = chosen[rank() :: world_size()]
        return tuple(tuple(take(a, mine) for a in group) for group in self.arrays), len(chosen)


def take(array, indices):
    """Return some samples of an array as a tensor; strings stay a list."""
    if array.dtype.kind in "US":
        return array[indices].tolist()
    if isinstance(array, np.memmap):  # read in the order of the file
        order = np.argsort(indices)
        return torch.from_numpy(np.ascontiguousarray(array[indices[order]][np.argsort(order)]))
    return torch.from_numpy(array[indices])


def class_weights(target, weights):
    """Return the weight of each sample from that of its class; a class without one has 1."""
    target = np.asarray(target)
    if target.ndim > 1:
        target = target.argmax(-1) if target.shape[-1] != 1 else target[..., 0]
    classes, samples = np.unique(np.round(target).astype(int), return_inverse=True)
    table = np.array([weights.get(int(c), 1.0) for c in classes], dtype=np.float32)
    return table[samples.reshape(-1)]


def split(array, fraction):
    """Return an array without its last `fraction`, and that: before any shuffling."""
    at = math.floor(len(array) * (1.0 - fraction))
    if not 0 < at < len(array):
        raise SystemExit(f"{len(array)} samples cannot be split by {fraction}")
    return array[:at], array[at:]
