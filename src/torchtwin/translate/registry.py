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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torchtwin.expr import Expr
from torchtwin.view import LayerView

if TYPE_CHECKING:
    from torchtwin.translate.calls import CallView


@dataclass(frozen=True)
class Module:
    """The PyTorch module that a Keras layer becomes.

    `activation` is applied behind it: a name or entry as in Keras's configs, or a Source that
    names a function of the program. `penalties` are Keras's regularisers by parameter name.
    """

    expr: Expr
    activation: Any = None
    penalties: Mapping[str, Any] = field(default_factory=dict)


Constructor = Callable[[LayerView], Module]
CallRule = Callable[["CallView"], Any]

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
            _CONSTRUCTORS[name] = function
        return function

    return register


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
    return _CONSTRUCTORS.get(name)


def call_rule_of(name: str) -> CallRule | None:
    """Return the rule of calls of a canonical name, None where there is none."""
    load()
    return _CALLS.get(name)
