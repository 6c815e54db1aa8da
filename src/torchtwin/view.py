"""A layer as its rule sees it: the config, recorded as it is read, and the tensors it is given."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Member
from torchtwin.graph import Layout

_ARRAYS = [
    "kernel",
    "bias",
    "recurrent",
    "depthwise",
    "pointwise",
    "embeddings",
    "alpha",
    "beta",
    "gamma",
    "moving_mean",
    "moving_variance",
]
NOT_FORWARD = frozenset(
    [
        *[
            "name",
            "trainable",
            "dtype",
            "activity_regularizer",
            "batch_shape",
            "seed",
            "unit_forget_bias",
        ],
        *(f"{a}_{k}" for a in _ARRAYS for k in ("initializer", "regularizer", "constraint")),
    ]
)
"""Arguments that matter to training or to bookkeeping, not to what a layer computes."""


@dataclass(frozen=True)
class Tensor:
    """An argument of a layer: its expression, and its shape in Keras's order of axes.

    Lengths that are free are None. `layout` says how the axes lie in PyTorch. In a program that
    is translated nothing may be known of a tensor: then `known` is False, its shape is empty and
    its dtype "". `array` has the numbers of a constant.
    """

    expr: Expr
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    layout: Layout | None = None
    known: bool = True
    array: Any = field(default=None, compare=False)

    @property
    def rank(self) -> int:
        """Return the number of axes; raise UnsupportedError where it is not known."""
        if not self.known:
            raise UnsupportedError("the number of axes of a tensor is not known here")
        return len(self.shape)

    def axis(self, axis: Any) -> Any:
        """Return where Keras's `axis` lies physically; -1 stays -1 where it is the last."""
        if not self.known or not isinstance(axis, int):
            return axis
        if not -self.rank <= axis < self.rank:
            raise UnsupportedError(f"axis {axis} of a tensor of rank {self.rank}")
        if self.layout is None or self.layout == tuple(range(self.rank)):
            return axis
        return self.layout.index(axis % self.rank)


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
        used: Collection[int] = (),
        spread: tuple[tuple[int, ...], Layout] | None = None,
    ) -> None:
        self.class_name, self.config, self.inputs = class_name, config, tuple(inputs)
        self.args, self.kwargs = tuple(args), dict(kwargs or {})
        self.masks = tuple(masks) or (None,) * len(self.inputs)
        self.module = module or Member("layer")
        self.version, self.flattened, self.spread = version, flattened, spread
        self.used = used
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
        return 1 if self["data_format"] == "channels_first" else self.input.rank - 1

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
            if f"call:{name}" not in self.read and value not in harmless.get(name, (None,))
        ]
        return unread + calls


def told(class_name: str, config: Mapping[str, Any]) -> str:
    """Return a layer's class with the arguments that are not at their default, for errors."""
    known = defaults().get(class_name, {})
    said = [
        f"{name}={str(value) if len(str(value)) < 40 else str(value)[:40] + '…'}"
        for name, value in config.items()
        if name not in NOT_FORWARD
        and isinstance(value, bool | int | float | str | list | tuple)
        and value != known.get(name, ...)
    ]
    return f"{class_name}({', '.join(said[:8])})"


_ABSENT = {
    "stateful": False,
    "unroll": False,
    "ragged": False,
    "sparse": False,
    "softmax_robust_masking": False,  # tf_keras's softmax, where a mask leaves something to see
}
"""Values that mean nothing where a newer Keras no longer knows the argument."""


def tuples(value: Any) -> Any:
    """Return `value` with its lists as tuples: JSON knows no tuples, torch wants them."""
    if isinstance(value, list | tuple):
        return tuple(tuples(v) for v in value)
    return value


def lists(value: Any) -> Any:
    """Return `value` with its tuples as lists, as in JSON."""
    return [lists(v) for v in value] if isinstance(value, list | tuple) else value


@functools.cache
def defaults() -> dict[str, dict[str, Any]]:
    """Return the default arguments of every Keras layer; scripts/make_defaults writes them."""
    text = (Path(__file__).parent / "layers" / "defaults.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded
