"""What a layer rule is: `@rule`, the view it reads, the piece it returns, and the registry.

A rule is one function that holds what torchtwin knows about one Keras layer:

    @rule("Dense", cases=[Case({"units": 3}, (2, 4))])
    def dense(layer):
        return Piece(
            module=call(nn.Linear, layer.input.shape[-1], layer["units"], bias=layer["use_bias"]),
            weights={"weight": "kernel: i o -> o i", "bias": "bias"},
            activation=layer["activation"],
        )

It reads the config through `LayerView`, which records what was read: an argument away from its
default that no rule read is a refusal.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call
from torchtwin.graph import Layout
from torchtwin.notation import Notation
from torchtwin.program import Class
from torchtwin.refusals import refusal
from torchtwin.source import Array
from torchtwin.view import LayerView, defaults

ANY = "any"
"""The layout of rules that take a value in whatever layout it has."""

CHANNELS_FIRST = "channels_first"
"""The layout of rules whose PyTorch module wants channels before the spatial axes."""

KERAS = "keras"
"""The layout of rules that want the axes in Keras's order."""


@dataclass(frozen=True)
class Piece:
    """What a rule returns: the PyTorch that a layer becomes.

    `expr` is the result, a tuple for several; without it the module is called on the inputs.
    `weights` gives the notation of each parameter and buffer of the module, in Keras's order of
    variables; `sizes` the lengths its letters need. `untrained` names variables of Keras that
    training does not change, `frozen` parameters that PyTorch must not train,
    `constants` the values of those whose notation is "given". `layout` is that of
    the results, where it is not the inputs'.
    """

    expr: Any = None
    module: Call | Class | None = None
    weights: Mapping[str, str | Notation] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    activation: Any = None
    untrained: Sequence[str] = ()
    frozen: Sequence[str] = ()
    constants: Mapping[str, Array] = field(default_factory=dict)
    layout: Any = ...
    comment: str = ""

    def notations(self) -> dict[str, Notation]:
        sizes = dict(self.sizes)
        return {
            k: n if isinstance(n, Notation) else Notation(n, sizes) for k, n in self.weights.items()
        }


@dataclass(frozen=True)
class Case:
    """An example of a layer, from which its tests are made.

    `config` are the layer's arguments, `shape` the shape of its input with the batch, or a list
    of shapes. `inputs` is "normal", or "int:N" for integers under N. `mask` masks the input.
    Both may be lists, one for each input. `names` gives the inputs as these call arguments,
    "" for one by position; `call` adds others. `single` leaves float64 out, where Keras on JAX
    computes in float32 whatever is asked, or where whole numbers make the twin's floats.
    `free` leaves the lengths between the batch and the last axis open in the Keras model.
    """

    config: Mapping[str, Any]
    shape: Any
    note: str = ""
    inputs: str | Sequence[str] = "normal"
    mask: bool | Sequence[bool] = False
    free: bool = False
    call: Mapping[str, Any] = field(default_factory=dict)
    names: Sequence[str] = ()
    single: bool = False

    def each(self, value: Any) -> list[Any]:
        """Return `value`, one for all inputs or a list, as a list with one for each input."""
        count = len(self.shape) if isinstance(self.shape, list) else 1
        return list(value) if isinstance(value, list | tuple) else [value] * count


@dataclass(frozen=True)
class Rule:
    """A registered rule: see the module's docstring for the function.

    `layout` is ANY, CHANNELS_FIRST, KERAS or a function from (config, rank) to a Layout or None.
    `mask` says what becomes of a mask: "pass", "stop", or a function from the view to the new
    mask (an expression, or None). `takes_mask` tells that the rule reads `layer.mask`.
    """

    name: str
    function: Callable[[LayerView], Piece]
    layout: Any = KERAS
    mask: Any = "stop"
    takes_mask: bool = False
    cases: Sequence[Case] = ()

    def wanted(self, config: Mapping[str, Any], rank: int) -> Any:
        """Return the layout an input of this rank must have: ANY, None (Keras's) or a Layout."""
        if callable(self.layout):
            return self.layout(config, rank)
        if self.layout == CHANNELS_FIRST and config.get("data_format") != CHANNELS_FIRST:
            return channels_first(rank)
        return ANY if self.layout == ANY else None


def channels_first(rank: int, leading: int = 1) -> Layout | None:
    """Return the layout that moves the last axis behind the `leading` ones."""
    if rank < leading + 2:
        return None
    return (*range(leading), rank - 1, *range(leading, rank - 1))


def single(value: Any) -> Any:
    """Return `(2, 2)` as 2: what a person writes for equal lengths."""
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return value[0]
    return value


def options(**values: Any) -> dict[str, Any]:
    """Return the keyword arguments that say something: not None, not False."""
    return {k: v for k, v in values.items() if v is not None and v is not False}


_RULES: dict[str, Rule] = {}


def rule(
    *names: str,
    layout: Any = KERAS,
    mask: Any = "stop",
    takes_mask: bool = False,
    cases: Sequence[Case] = (),
) -> Callable[[Callable[[LayerView], Piece]], Callable[[LayerView], Piece]]:
    """Register a function as the rule of the Keras layers with these class names."""

    def register(function: Callable[[LayerView], Piece]) -> Callable[[LayerView], Piece]:
        for name in names:
            if name in _RULES:
                raise ValueError(f"two rules for {name}")
            _RULES[name] = Rule(name, function, layout, mask, takes_mask, cases)
        return function

    return register


def extra_cases(name: str, cases: Sequence[Case]) -> None:
    """Add cases to a rule that serves several classes."""
    _RULES[name] = replace(_RULES[name], cases=(*_RULES[name].cases, *cases))


@functools.cache
def rules() -> Mapping[str, Rule]:
    """Return every rule, found by walking `torchtwin.layers`."""
    package = importlib.import_module("torchtwin.layers")
    for module in pkgutil.walk_packages(package.__path__, "torchtwin.layers."):
        importlib.import_module(module.name)
    return _RULES


_OWN: ContextVar[Callable[[str], Rule | None]] = ContextVar("own rules", default=lambda _: None)


_FUNCTIONS: ContextVar[Callable[[str], Any]] = ContextVar("own functions", default=lambda _: None)


_OBJECTS: ContextVar[Callable[..., Any]] = ContextVar("own objects", default=lambda *_: None)


@contextmanager
def own_rules(
    find: Callable[[str], Rule | None],
    functions: Callable[[str], Any],
    objects: Callable[..., Any],
) -> Iterator[None]:
    """Let `find` give the rules of classes that Keras does not have, for one conversion,
    `functions` the author's translated functions, and `objects` what makes his other objects."""
    tokens = _OWN.set(find), _FUNCTIONS.set(functions), _OBJECTS.set(objects)
    try:
        yield
    finally:
        _OWN.reset(tokens[0])
        _FUNCTIONS.reset(tokens[1])
        _OBJECTS.reset(tokens[2])


def own_object(name: str, config: Mapping[str, Any], left_out: Sequence[str]) -> Any:
    """Return the call that makes an object of a class of the author's, None where there is none.

    `left_out` of the config goes only into a constructor that cannot do without.
    """
    return _OBJECTS.get()(name, config, left_out)


def own_function(name: str) -> Any:
    """Return a function of the model's author by its name, None where there is none."""
    return _FUNCTIONS.get()(name)


def rule_of(class_name: str) -> Rule:
    """Return the rule of a Keras class; raise UnsupportedError when there is none."""
    found = rules().get(class_name)
    if found is None or class_name not in defaults():  # a class of the author's may have its name
        found = _OWN.get()(class_name) or found
    if found is None and (refused := refusal("layers", class_name)) is not None:
        raise refused.error(class_name)
    if found is None and class_name.startswith("ops."):
        raise UnsupportedError(
            f"the operation keras.{class_name} is not translated",
            hint="rebuild the model without it in Keras",
        )
    if found is None:
        own = class_name in defaults()
        raise UnsupportedError(
            f"{class_name} is not translated"
            + ("" if own else ": it is not a layer of Keras that torchtwin knows"),
            hint="rebuild the model without it in Keras"
            if own
            else "give the Python source that defines it: --custom FILE",
        )
    return found
