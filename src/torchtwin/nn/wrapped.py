"""A module around another."""

from __future__ import annotations

from torchtwin.nn.lazy import LazyModule


class Wrapped(LazyModule):
    """A module that holds another one as `layer`, for classes that add something to it."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def build(self, input_shape=None):
        """Make what the class has of its own; the module inside builds itself."""
