"""Tensors that are written one by one, and stacked."""

from __future__ import annotations

import torch


class TensorArray:
    """A row of tensors; `write` gives a new row, as TensorFlow's does, and lets the old one be."""

    def __init__(self, size=0, items=None):
        self.items = [None] * int(size) if items is None else list(items)

    def write(self, index, value):
        """Return the row with a tensor put at a place, longer where the place lies behind it."""
        items = self.items + [None] * (int(index) + 1 - len(self.items))
        items[int(index)] = torch.as_tensor(value)
        return TensorArray(items=items)

    def unstack(self, value):
        """Return a row of the parts of a tensor along its first axis."""
        return TensorArray(items=value.unbind())

    def read(self, index):
        """Return the tensor at a place."""
        return self.items[int(index)]

    def stack(self):
        """Return the tensors along a new first axis."""
        return torch.stack(self.items)

    def concat(self):
        """Return the tensors one behind the other along their first axis."""
        return torch.cat(self.items)

    def size(self):
        """Return how many tensors it has room for."""
        return torch.tensor(len(self.items), dtype=torch.int32)
