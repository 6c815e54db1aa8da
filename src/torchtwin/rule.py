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
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.graph import Layout
from torchtwin.notation import Notation
from torchtwin.program import Call, Class, Expr, Member

ANY = "any"
"""The layout of rules that take a value in whatever layout it has."""

CHANNELS_FIRST = "channels_first"
"""The layout of rules whose PyTorch module wants channels before the spatial axes."""

KERAS = "keras"
"""The layout of rules that want the axes in Keras's order."""

NOT_FORWARD = frozenset(
    "name trainable dtype activity_regularizer batch_shape batch_input_shape input_shape seed "
    "kernel_initializer bias_initializer recurrent_initializer depthwise_initializer "
    "pointwise_initializer embeddings_initializer alpha_initializer beta_initializer "
    "gamma_initializer moving_mean_initializer moving_variance_initializer unit_forget_bias "
    "kernel_regularizer bias_regularizer recurrent_regularizer depthwise_regularizer "
    "pointwise_regularizer embeddings_regularizer alpha_regularizer beta_regularizer "
    "gamma_regularizer kernel_constraint bias_constraint recurrent_constraint "
    "depthwise_constraint pointwise_constraint embeddings_constraint alpha_constraint "
    "beta_constraint gamma_constraint".split()
)
"""Arguments that matter to training or to bookkeeping, not to what a layer computes."""


@dataclass(frozen=True)
class Tensor:
    """An argument of a layer: its expression, and its shape in Keras's order of axes.

    Lengths that are free are None. `layout` says how the axes lie in PyTorch.
    """

    expr: Expr
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    layout: Layout | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    def axis(self, axis: int) -> int:
        """Return where Keras's `axis` lies physically; -1 stays -1 where it is the last."""
        if not -self.rank <= axis < self.rank:
            raise UnsupportedError(f"axis {axis} of a tensor of rank {self.rank}")
        if self.layout is None or self.layout == tuple(range(self.rank)):
            return axis
        return self.layout.index(axis % self.rank)


@dataclass(frozen=True)
class Piece:
    """What a rule returns: the PyTorch that a layer becomes.

    `expr` is the result, a tuple for several; without it the module is called on the inputs.
    `weights` gives the notation of each parameter and buffer of the module, in Keras's order of
    variables; `sizes` the lengths its letters need. `untrained` names variables of Keras that
    training does not change, `frozen` parameters that PyTorch must not train. `layout` is that of
    the results, where it is not the inputs'.
    """

    expr: Any = None
    module: Call | Class | None = None
    weights: Mapping[str, str | Notation] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    activation: Any = None
    untrained: Sequence[str] = ()
    frozen: Sequence[str] = ()
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
    """

    config: Mapping[str, Any]
    shape: Any
    note: str = ""
    inputs: str = "normal"
    mask: bool = False
    call: Mapping[str, Any] = field(default_factory=dict)


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


class LayerView:
    """A layer as its rule sees it: config, inputs, masks and the attribute it will have."""

    def __init__(
        self,
        class_name: str,
        config: Mapping[str, Any],
        inputs: Sequence[Tensor],
        *,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        masks: Sequence[Tensor | None] = (),
        module: Member | None = None,
        version: str = "",
        flattened: tuple[tuple[int, ...], Layout] | None = None,
    ) -> None:
        self.class_name, self.config, self.inputs = class_name, config, tuple(inputs)
        self.args, self.kwargs = tuple(args), dict(kwargs or {})
        self.masks = tuple(masks) or (None,) * len(self.inputs)
        self.module = module or Member("layer")
        self.version, self.flattened = version, flattened
        self.read: set[str] = set()
        self.defaults = defaults().get(class_name, {})

    def __getitem__(self, name: str) -> Any:
        """Return an argument of the layer, or its default in Keras 3."""
        self.read.add(name)
        if name in self.config:
            return tuples(self.config[name])
        if name in self.defaults:
            return tuples(self.defaults[name])
        raise UnsupportedError(f"{self.class_name} without its argument {name!r}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument that Keras 3 does not have, such as one of an older version."""
        self.read.add(name)
        return tuples(self.config.get(name, default))

    def call(self, name: str, default: Any = None) -> Any:
        """Return an argument of the layer's call; tensors come as `Tensor`."""
        self.read.add(f"call:{name}")
        return self.kwargs.get(name, default)

    def ignore(self, *names: str) -> None:
        """Declare arguments that change nothing here, whatever they are."""
        self.read.update(names)

    @property
    def input(self) -> Tensor:
        return self.inputs[0]

    @property
    def x(self) -> Expr:
        """The expression of the first input."""
        return self.inputs[0].expr

    @property
    def mask(self) -> Expr | None:
        """The mask of the first input, (batch, steps), True where a step counts."""
        mask = self.masks[0] if self.masks else None
        return None if mask is None else mask.expr

    @property
    def channels_axis(self) -> int:
        """The Keras axis of channels: the last, or 1 where `data_format` says so."""
        return 1 if self["data_format"] == CHANNELS_FIRST else self.input.rank - 1

    @property
    def channels(self) -> int:
        size = self.input.shape[self.channels_axis]
        if size is None:
            raise UnsupportedError("the number of channels is not in the file")
        return size

    def inner(self, entry: Mapping[str, Any], inputs: Sequence[Tensor], **more: Any) -> LayerView:
        """Return the view of a layer that this one wraps; its attribute is this one's."""
        if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
            raise UnsupportedError(f"{self.class_name} around something that is no layer")
        name = str(entry.get("class_name"))
        return LayerView(
            name, entry["config"], inputs, module=self.module, version=self.version, **more
        )

    def unread(self) -> list[str]:
        """Return the arguments that are not at their default and that no rule looked at."""
        unread = [
            name
            for name, value in self.config.items()
            if name not in self.read | NOT_FORWARD
            and value is not None
            and tuples(value) != tuples(self.defaults.get(name, _ABSENT.get(name, ...)))
        ]
        harmless = {"training": (None, False), "mask": (None,)}
        calls = [
            f"call argument {name}"
            for name, value in self.kwargs.items()
            if f"call:{name}" not in self.read
            and value not in harmless.get(name, (None,))
        ]
        return unread + calls


_ABSENT = {"stateful": False, "unroll": False, "ragged": False, "sparse": False}
"""Values that mean nothing where a newer Keras no longer knows the argument."""


def tuples(value: Any) -> Any:
    """Return `value` with its lists as tuples: JSON knows no tuples, torch wants them."""
    if isinstance(value, list | tuple):
        return tuple(tuples(v) for v in value)
    return value


def single(value: Any) -> Any:
    """Return `(2, 2)` as 2: what a person writes for equal lengths."""
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return value[0]
    return value


def options(**values: Any) -> dict[str, Any]:
    """Return the keyword arguments that say something: not None, not False."""
    return {k: v for k, v in values.items() if v is not None and v is not False}


@functools.cache
def defaults() -> dict[str, dict[str, Any]]:
    """Return the default arguments of every Keras layer; scripts/make_defaults writes them."""
    text = (Path(__file__).parent / "layers" / "defaults.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded


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


def rule_of(class_name: str) -> Rule:
    """Return the rule of a Keras class; raise UnsupportedError when there is none."""
    found = rules().get(class_name)
    if found is None:
        own = class_name in defaults()
        raise UnsupportedError(
            f"{class_name} is not translated"
            + ("" if own else ": it is not a layer of Keras that torchtwin knows"),
            hint="rebuild the model without it in Keras"
            if own
            else "give its Python source with --custom, or rebuild the model without it",
        )
    return found
