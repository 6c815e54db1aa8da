"""A call in a program as its rule sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr
from torchtwin.view import Tensor


@dataclass
class CallView:
    """A call of the canonical `name`.

    A literal argument is its value (lists, tuples, dicts and slices hold such values), a tensor is
    a `Tensor` (`known=False` where its shape is not known), any other expression a `Source` in
    PyTorch already. `names` are canonical names of arguments that are names of Keras or
    TensorFlow, such as `tf.float32` or `keras.activations.relu`.
    """

    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    read: set[str] = field(default_factory=set)

    def bound(self, *parameters: str, **defaults: Any) -> list[Any]:
        """Return the arguments in the order of `parameters` and then of `defaults`.

        Raises UnsupportedError for an argument that is missing, unknown or given twice.
        """
        order = [*parameters, *defaults]
        if len(self.args) > len(order):
            raise UnsupportedError(f"{self.name} takes {len(order)} arguments")
        given = dict(zip(order, self.args, strict=False))
        for key, value in self.kwargs.items():
            if key in given:
                raise UnsupportedError(f"{self.name} has two values for {key}")
            if key not in order and key != "name":
                raise UnsupportedError(f"{self.name}({key}=...) is not translated")
            given[key] = value
        missing = [key for key in parameters if key not in given]
        if missing:
            raise UnsupportedError(f"{self.name} without {', '.join(missing)}")
        return [given.get(key, defaults.get(key)) for key in order]


def tensor_of(value: Any) -> Expr:
    """Return the expression of a tensor, or of what may be one."""
    if isinstance(value, Tensor):
        return value.expr
    if isinstance(value, Expr):
        return value
    raise UnsupportedError(f"{value!r} is not a tensor")
