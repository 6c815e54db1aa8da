"""Modules under keys that nn.ModuleDict does not take."""

from __future__ import annotations

from torch import nn


class KeyedModules(nn.Module):
    """A dict of modules whose keys may be numbers, tuples or any words.

    nn.ModuleDict takes no key with a dot, and none that is the name of one of its methods.
    """

    def __init__(self, modules=()):
        super().__init__()
        self.places = {}
        for key, module in dict(modules).items():
            self[key] = module

    def __setitem__(self, key, module):
        word = str(key)
        plain = isinstance(key, str | int) and "." not in word and not hasattr(type(self), word)
        free = plain and word != "" and not hasattr(self, word)
        name = self.places.setdefault(key, word if free else f"key_{len(self.places)}")
        self.add_module(name, module)

    def __getitem__(self, key):
        return self._modules[self.places[key]]

    def get(self, key, default=None):
        return self[key] if key in self.places else default

    def __contains__(self, key):
        return key in self.places

    def __iter__(self):
        return iter(self.places)

    def __len__(self):
        return len(self.places)

    def keys(self):
        return self.places.keys()

    def values(self):
        return [self[key] for key in self.places]

    def items(self):
        return [(key, self[key]) for key in self.places]

    def update(self, modules):
        for key, module in dict(modules).items():
            self[key] = module
