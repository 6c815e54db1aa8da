"""Classes that come from a layer of Keras come from the module that the layer becomes."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Source
from torchtwin.translate.registry import constructor_of
from torchtwin.translate.values import arguments_of
from torchtwin.view import LayerView


def base_class(root: str) -> Any:
    """Return the PyTorch class that a layer of Keras becomes; refuse those that become none."""
    name = root.rpartition(".")[2]
    rule = constructor_of(name)
    if rule is None:
        raise UnsupportedError(f"a class that comes from {root} is not translated")
    # Arguments without default stand for themselves: only the class is asked for.
    config = {k: Source(k) for k in arguments_of("layers", name) or [] if k not in _optional(name)}
    made = rule(LayerView(name, config, []))
    if made is None or not isinstance(made.expr, Call) or made.activation is not None:
        raise UnsupportedError(f"a class that comes from {root} is not translated")
    return made.expr.function


def _optional(name: str) -> set[str]:
    return {*LayerView(name, {}, []).defaults, "**", "name", "dtype"}
