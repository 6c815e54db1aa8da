"""Where the translator's rules are kept: one for each name of Keras, or for a family of names.

    @constructor("Dropout")                         a layer, where a program makes one
    def dropout(layer): return Module(call(nn.Dropout, layer["rate"]))

    @translates("tf.shape", "keras.ops.shape")      any other name, where a program calls it
    def shape(call): return Field(call.tensor(0), "shape")

Operations on tensors need neither: they are found in `torchtwin.ops`. Names are canonical: see
`names`. Rules are found by walking `torchtwin.translate.rules`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torchtwin.expr import Expr
from torchtwin.view import LayerView, defaults

if TYPE_CHECKING:
    from torchtwin.translate.calls import CallView


@dataclass(frozen=True)
class Module:
    """The PyTorch module that a Keras layer becomes.

    `activation` is applied behind it: a name or entry as in Keras's configs, or a Source that
    names a function of the program. `output_penalty` is a function of the output that training
    adds to the loss; with `trainable` False training leaves the weights as they are.
    """

    expr: Expr
    activation: Any = None
    output_penalty: Any = None
    trainable: Any = True


Constructor = Callable[[LayerView], Module | None]
CallRule = Callable[["CallView"], Any]

CLASSES = {
    **{f"{kind}Pool{k}D": f"{full}Pooling{k}D"
       for k in (1, 2, 3)
       for kind, full in (("Max", "Max"), ("Avg", "Average"), ("GlobalMax", "GlobalMax"),
                          ("GlobalAvg", "GlobalAverage"))},
    **{f"Convolution{k}D{end}": f"Conv{k}D{end}" for k in (1, 2, 3) for end in ("", "Transpose")},
    **{f"SeparableConvolution{k}D": f"SeparableConv{k}D" for k in (1, 2)},
    "GroupQueryAttention": "GroupedQueryAttention",
}  # fmt: skip
"""Second names of layers in keras.layers, and those that their configs have."""

_CONSTRUCTORS: dict[str, Constructor] = {}
_CALLS: dict[str, CallRule] = {}


def constructor(*names: str) -> Callable[[Constructor], Constructor]:
    """Register the rule of layers with these class names in keras.layers.

    The rule sees the arguments as a LayerView: a literal as its value, any other expression of
    the program as a `Source`, an argument not given as Keras's default. Arguments that differ
    from their default and were not read are refused.
    """

    def register(function: Constructor) -> Constructor:
        for name in names:
            if name in _CONSTRUCTORS:
                raise ValueError(f"two constructors of {name}")
            _CONSTRUCTORS[name] = functools.partial(_of_any_layer, function)
        return function

    return register


def _of_any_layer(function: Constructor, layer: LayerView) -> Module | None:
    """Return what a rule makes, with the arguments that every layer has."""
    from torchtwin.translate.bounds import penalty  # whose rules are kept here

    name = CLASSES.get(layer.class_name, layer.class_name)
    layer.class_name, layer.defaults = name, defaults().get(name, {})
    made = function(layer)
    if made is None:
        return None
    return replace(
        made,
        output_penalty=penalty(layer.get("activity_regularizer")) or made.output_penalty,
        trainable=layer.get("trainable", True),
    )


def translates(*names: str) -> Callable[[CallRule], CallRule]:
    """Register the rule of calls of functions or classes with these canonical names.

    It returns an `Expr`; it raises UnsupportedError for what it cannot translate.
    """

    def register(function: CallRule) -> CallRule:
        for name in names:
            if name in _CALLS:
                raise ValueError(f"two rules for calls of {name}")
            _CALLS[name] = function
        return function

    return register


@functools.cache
def load() -> None:
    """Import every rule."""
    package = importlib.import_module("torchtwin.translate.rules")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


def constructor_of(name: str) -> Constructor | None:
    """Return the rule that makes a layer of keras.layers, None where there is none."""
    load()
    return _CONSTRUCTORS.get(CLASSES.get(name, name))


def call_rule_of(name: str) -> CallRule | None:
    """Return the rule of calls of a canonical name, None where there is none."""
    load()
    return _CALLS.get(name)
