"""The PyTorch side: classes with submodules and statements, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torchtwin.expr import Call, Expr
from torchtwin.notation import Notation
from torchtwin.source import Array


@dataclass(frozen=True)
class Submodule:
    """`self.<attribute> = <constructor>`: `layer` is the Keras layer's path.

    `program` is the class of a nested model; `frozen` lists what gets no gradient:
    "" for the whole submodule, otherwise names of its parameters. `config` is the Keras layer's.
    """

    attribute: str
    constructor: Call | Class
    layer: str
    class_name: str
    weights: Mapping[str, Notation] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    comment: str = ""
    untrained: tuple[str, ...] = ()
    constants: Mapping[str, Array] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """`<value> = <expr>  # (B, 32, 28, 28)`; `shape` is the physical one, None where unknown."""

    value: str
    expr: Expr
    layer: str
    shape: tuple[int | None, ...] | None = None
    layout: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Argument:
    """An input of `forward`, or an output: its graph value, name, shape (physical) and layout.

    `layout` gives, for each physical axis, the Keras axis that it holds; None is Keras's order.
    """

    value: str
    name: str
    shape: tuple[int | None, ...]
    dtype: str
    layout: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Class:
    """An `nn.Module` class: the whole model or a nested one.

    `logits` has the body of a further method, called `further`, that training uses: the outputs
    before their activations, and the masks that come with them (see `outputs`).
    """

    name: str
    doc: str
    submodules: tuple[Submodule, ...]
    inputs: tuple[Argument, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[Argument, ...]
    logits: Class | None = None
    further: str = ""

    def weights(self, prefix: str = "") -> Iterator[tuple[str, str, Notation]]:
        """Yield (parameter, path of the Keras layer, notation) for everything that is filled."""
        for sub in self.submodules:
            if isinstance(sub.constructor, Class):
                yield from sub.constructor.weights(f"{prefix}{sub.attribute}.")
                continue
            for parameter, notation in sub.weights.items():
                yield f"{prefix}{sub.attribute}.{parameter}", sub.layer, notation

    def classes(self) -> Iterator[Class]:
        """Yield the nested classes, innermost first, then this one."""
        for sub in self.submodules:
            if isinstance(sub.constructor, Class):
                yield from sub.constructor.classes()
        yield self
