"""Classes that come from a layer of Keras come from the module that the layer becomes."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Source
from torchtwin.translate.registry import constructor_of
from torchtwin.view import LayerView


def base_class(root: str) -> Any:
    """Return the PyTorch class that a layer of Keras becomes; refuse those that become none."""
    name = root.rpartition(".")[2]
    rule = constructor_of(name)
    if rule is None:
        raise UnsupportedError(f"a class that comes from {root} is not translated")
    made = rule(_View(name, {}, []))  # only its class is asked for
    if made is None or not isinstance(made.expr, Call) or made.activation not in (None, "linear"):
        raise UnsupportedError(f"a class that comes from {root} is not translated")
    return made.expr.function


class _View(LayerView):
    """A layer whose arguments without default stand for themselves."""

    def __getitem__(self, name: str) -> Any:
        known = name in self.defaults or name in self.config
        return super().__getitem__(name) if known else Source(name)
