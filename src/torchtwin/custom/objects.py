"""Objects of Keras among the arguments of an author's layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.apply import refuse_unread
from torchtwin.errors import UnsupportedError
from torchtwin.translate.bounds import constraint, penalty
from torchtwin.translate.initial import class_of, initial_function
from torchtwin.translate.registry import constructor_of
from torchtwin.view import LayerView


def object_of(name: str, entry: Mapping[str, Any]) -> Any:
    """Return the expression of an object of Keras. Raises UnsupportedError where there is none."""
    kind, config = str(entry["class_name"]), entry.get("config")
    home = str(entry.get("module") or "")
    if isinstance(config, Mapping) and ("initializer" in (home or name)) and class_of(kind):
        return initial_function({"class_name": kind, "config": dict(config)})
    if isinstance(config, Mapping) and (not home or home.startswith("keras")):
        bare = {"class_name": kind, "config": dict(config)}
        if "regularizer" in (home or name):
            return penalty(bare)
        if "constraint" in (home or name):
            return constraint(bare)
    rule = constructor_of(kind) if home.startswith("keras") and "layers" in home else None
    if rule is not None and isinstance(config, Mapping):
        view = LayerView(kind, config, [])
        made = rule(view)
        if made is None:
            raise UnsupportedError(f"the argument {name} is a {kind}, which is not translated")
        refuse_unread(view)
        plain = made.output_penalty is None and made.trainable is True
        if plain and made.activation in (None, "linear"):
            return made.expr
    raise UnsupportedError(
        f"the argument {name} is a {kind} of Keras",
        hint="make the object in the layer's __init__, of plain arguments",
    )
