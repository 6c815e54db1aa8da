"""Joins a program's parameters with the arrays of the file, through their notation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torchtwin.binding import Holder, Part, Variable, bind
from torchtwin.emit.helpers import is_own
from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.evaluate import instance
from torchtwin.graph import Graph, Layer
from torchtwin.notation import Notation
from torchtwin.program import Class, Submodule
from torchtwin.source import Array, Source

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Parameter:
    """A parameter or buffer of the twin, and the Keras variable that fills it.

    `array` is None for a constant. `shape` is PyTorch's; `dtype` that of the file, or of the
    module for a constant.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    notation: Notation
    array: Array | None
    layer: str

    def read(self) -> np.ndarray:
        """Return the value, shaped for PyTorch."""
        import numpy as np

        if self.array is None:
            fill = 1 if self.notation.constant == "ones" else 0
            return np.full(self.shape, fill, dtype=self.dtype)
        return self.notation.apply(self.array.read())

    def exact(self) -> np.ndarray | None:
        """Return the value before it was rounded, None where it was not computed."""
        if self.array is None or self.array.exact is None:
            return None
        return self.notation.apply(self.array.exact())


def parameters(program: Class, graph: Graph, source: Source) -> list[Parameter]:
    """Return every parameter of the program with the array that fills it.

    Raises UnreadableModel, listing them all, for variables that are missing, left over or of
    another shape.
    """
    if source.weights is None:
        raise UnreadableModel(
            "the file holds an architecture without weights",
            hint="give the weights file too: --weights FILE",
        )
    arrays = bind(_holders(graph, program), source)
    return list(filled(program, arrays, ""))


def filled(program: Class, arrays: Mapping[str, Array], prefix: str) -> Iterator[Parameter]:
    """Yield every parameter with its array out of `arrays`, by layer's path and variable."""
    for sub in program.submodules:
        name = f"{prefix}{sub.attribute}."
        if isinstance(sub.constructor, Class):
            yield from filled(sub.constructor, arrays, name)
            continue
        for parameter, tensor in _state(sub).items():
            notation = sub.weights[parameter]
            array = None
            dtype = str(tensor.dtype).removeprefix("torch.")
            if parameter in sub.constants:
                array = sub.constants[parameter]
                dtype = array.dtype
            elif not notation.constant:
                array = arrays[f"{sub.layer}/{notation.variable}"]
                _check_dtype(array, dtype, f"{sub.layer}/{notation.variable}")
                dtype = array.dtype
            shape = tuple(tensor.shape)
            yield Parameter(f"{name}{parameter}", shape, dtype, notation, array, sub.layer)


def _check_dtype(array: Array, dtype: str, where: str) -> None:
    """Refuse an array of no floating-point numbers for a parameter that has them."""
    floating = ("float", "bfloat")
    if dtype.startswith(floating) and not array.dtype.startswith(floating):
        raise UnreadableModel(f"the array has the dtype {array.dtype}, not {dtype}", where=where)


def _state(sub: Submodule) -> dict[str, Any]:
    return dict(instance(sub.constructor).state_dict()) if sub.weights else {}


def _holders(graph: Graph, program: Class) -> tuple[Holder, ...]:
    """Return what each Keras layer keeps, read off the program's own parameters."""
    subs = {sub.layer: sub for sub in program.submodules}
    return tuple(_holder(layer, subs.get(layer.path)) for layer in graph.layers.values())


def _holder(layer: Layer, sub: Submodule | None) -> Holder:
    children: tuple[Holder, ...] = ()
    variables: tuple[Variable, ...] = ()
    own: Part | None = None
    class_name = layer.class_name
    if layer.graph is not None and sub is not None and isinstance(sub.constructor, Class):
        children = _holders(layer.graph, sub.constructor)
    elif sub is not None and is_own(sub.constructor):
        from torchtwin.custom.slots import part_of

        own = part_of(instance(sub.constructor))
        if class_name == "TimeDistributed":
            own = Part("", parts=(own.under("layer"),))
        variables = tuple(own.walk())
        class_name = own.kind or class_name  # files have the class's name, not the registered one
    elif sub is not None:
        variables = tuple(_variables(sub))
    under = "layer/layers" if layer.class_name == "TimeDistributed" else "layers"
    return Holder(layer.name, class_name, layer.trainable, variables, children, under, own)


def _variables(sub: Submodule) -> Iterator[Variable]:
    """Yield the Keras variables of a submodule, in the order of its notations."""
    found: dict[str, tuple[int, ...]] = {}
    rows: dict[str, int] = {}
    for notation in sub.weights.values():
        if notation.row is not None:
            rows[notation.variable] = max(rows.get(notation.variable, 0), notation.row + 1)
    for parameter, tensor in _state(sub).items():
        notation = sub.weights[parameter]
        if notation.constant:
            continue
        shape = notation.keras_shape(tuple(tensor.shape), rows.get(notation.variable))
        if found.setdefault(notation.variable, shape) != shape:
            raise UnsupportedError(f"two shapes for {notation.variable}", where=sub.layer)
    held = {name: n.variable for name, n in sub.weights.items() if not n.constant}
    still = {*sub.untrained, *(held[name] for name in sub.frozen if name in held)}
    for variable in dict.fromkeys(held.values()):
        yield Variable(variable, found[variable], variable not in still)
