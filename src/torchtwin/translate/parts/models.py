"""Models that are built at their first call, or that are chains of modules."""

from __future__ import annotations

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


class MaskedModel(Model, MaskedSequential):
    """Modules one after the other that hand masks on, as a model that trains itself."""
