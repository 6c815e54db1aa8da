"""Batches (inputs, targets, weights of the samples) out of whatever a program has."""

from __future__ import annotations

import functools
import itertools
import math
import random

import torch

from torchtwin.training.parts.data import class_weights
from torchtwin.translate.parts.structures import as_array, flat, mapped, samples_of


class ArrayBatches:
    """Batches of arrays; the last one may be smaller. With `shuffle` every pass has an order."""

    def __init__(self, x, y=None, weights=None, batch_size=32, shuffle=False):
        self.arrays = mapped(as_array, (x, y, weights))
        lengths = {len(part) for part in flat(self.arrays) if part is not None}
        if len(lengths) != 1:
            raise ValueError(f"the arrays have different numbers of samples: {sorted(lengths)}")
        self.samples, self.batch_size, self.shuffle = lengths.pop(), batch_size, shuffle

    def __len__(self):
        return math.ceil(self.samples / self.batch_size)

    def weigh(self, class_weight):
        """Weigh samples by their class, if there are weights for classes."""
        if class_weight is not None:
            x, y, _ = self.arrays
            self.arrays = x, y, class_weights(y, class_weight)

    def __iter__(self):
        order = torch.randperm(self.samples) if self.shuffle else torch.arange(self.samples)
        for start in range(0, self.samples, self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield mapped(functools.partial(take, chosen), self.arrays)


def take(chosen, array):
    return array[chosen if torch.is_tensor(array) else chosen.numpy()]


class GivenBatches:
    """Batches that a dataset makes, in any order if it can be indexed, or a generator.

    As in Keras, each pass over a generator begins with the same two batches and then goes on.
    """

    class_weight = None

    def __init__(self, data, shuffle=False):
        self.data, self.shuffle = data, shuffle
        self.first = list(itertools.islice(data, 2)) if hasattr(data, "__next__") else []

    def __len__(self):
        return len(self.data)

    def weigh(self, class_weight):
        """Weigh samples by their class."""
        self.class_weight = class_weight

    def __iter__(self):
        data = self.data
        if self.shuffle and hasattr(data, "__getitem__"):
            indices = random.sample(range(len(data)), len(data))
            data = (self.data[index] for index in indices)
        for batch in itertools.chain(self.first, data):
            x, y, weights = parts_of(batch)
            if self.class_weight is not None:  # when: class_weight
                weights = class_weights(y, self.class_weight)  # when: class_weight
            yield x, y, weights


def parts_of(given):
    """Return inputs, targets and weights, None for what is not given."""
    parts = tuple(given) if isinstance(given, list | tuple) else (given,)
    return (*parts, None, None)[:3]


def batches_of(x, y=None, weights=None, batch_size=None, shuffle=False, steps=None):
    """Return the batches of arrays, or those that a dataset or a generator makes."""
    if not all(hasattr(part, "shape") for part in flat(x)):  # when: given
        return GivenBatches(x, shuffle)  # when: given
    size = batch_size or (math.ceil(samples_of(x) / steps) if steps else 32)
    return ArrayBatches(x, y, weights, size, shuffle)


class Passes:
    """Epochs of batches: whole passes over the data, or `steps` batches each.

    An epoch of some steps goes on where the one before stopped, and ends where the data end.
    """

    def __init__(self, data, steps=None):
        self.data, self.size = data, length(data)
        self.wanted, self.steps = steps, steps or self.size
        self.iterator, self.seen = None, 0
        self.tell("on_epoch_end")  # when: given

    def anew(self):
        """Return the passes, the next of which begins where the data begin."""
        self.iterator = None
        return self

    def __iter__(self):
        self.tell("on_epoch_begin")  # when: given
        if self.iterator is None or self.wanted is None:
            self.iterator, self.seen = iter(self.data), 0
        for _ in range(self.wanted) if self.wanted else itertools.count():
            batch = next(self.iterator, None)
            if batch is None:
                self.iterator = None
                break
            self.seen += 1
            yield batch
        if self.seen == self.size:
            self.iterator = None
        self.tell("on_epoch_end")  # when: given

    def tell(self, event):
        """Tell a dataset that an epoch begins or ends, if it wants to know."""
        getattr(getattr(self.data, "data", None), event, int)()


def length(data):
    """Return the number of batches, None where nobody knows it."""
    try:
        return len(data)
    except TypeError:
        return None


def split(arrays, fraction):
    """Return a structure of arrays without its last `fraction`, and that: before any shuffling."""
    samples = samples_of(arrays)
    at = math.floor(samples * (1.0 - fraction))
    if not 0 < at < samples:
        raise ValueError(f"{samples} samples cannot be split by {fraction}")
    arrays = mapped(as_array, arrays)
    return mapped(lambda a: a[:at], arrays), mapped(lambda a: a[at:], arrays)


class PyDataset:
    """Batches by number: a program's dataset defines `__len__` and `__getitem__`."""

    def __init__(self, **kwargs):
        pass

    def __iter__(self):
        count = self.num_batches if hasattr(self, "num_batches") else len(self)
        for index in range(count):
            yield self[index]
