"""Models that are built at their first call, or that are chains of modules."""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.nn.graphs import Graph
from torchtwin.nn.lazy import LazyModule
from torchtwin.nn.masked_sequential import MaskedSequential
from torchtwin.translate.parts.model import Model


class LazyModel(Model, LazyModule):
    """A model that is built at its first call."""


class GraphModel(Graph, Model):
    """The module that leads from some symbols to others, as a model that trains itself."""


class Sequential(Model, nn.Sequential):
    """Modules one after the other, as a model that trains itself."""

    def __init__(self, *modules, input_axes=None):  # when: input_axes
        super().__init__(*modules)  # when: input_axes
        self.input_axes = input_axes  # when: input_axes

    def forward(self, x):  # when: input_axes
        if x.ndim + 1 == self.input_axes:  # when: input_axes
            x = x[..., None]  # when: input_axes
        return super().forward(x)  # when: input_axes

    def build(self, input_shape):  # when: build
        sizes = [length or 1 for length in input_shape]  # when: build
        with torch.no_grad():  # when: build
            self.eval()(torch.zeros(sizes, dtype=torch.int64))  # when: build


class MaskedModel(Model, MaskedSequential):
    """Modules one after the other that hand masks on, as a model that trains itself."""
