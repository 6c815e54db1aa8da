"""The Keras variables that an optimizer trains, in Keras's order, and the parameters they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchtwin.errors import UnsupportedError
from torchtwin.graph import Graph
from torchtwin.notation import Axis, Notation
from torchtwin.program import Class, Submodule

if TYPE_CHECKING:
    from torchtwin.twin import Twin
    from torchtwin.weights import Parameter


@dataclass(frozen=True)
class Trained:
    """A trained Keras variable: its layer's path, its own inside the layer, and its parameters.

    It is one parameter with its axes in another order, or several that are its rows.
    """

    layer: str
    name: str
    model: str
    parameters: tuple[Parameter, ...]

    @property
    def names(self) -> list[str]:
        return [p.name for p in self.parameters]

    @property
    def stacked(self) -> bool:
        return len(self.parameters) > 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Return Keras's shape."""
        first = self.parameters[0]
        return first.notation.keras_shape(first.shape, len(self.parameters))

    @property
    def paths(self) -> tuple[str, ...]:
        """Return what Keras may call it: that depends on when the model was built."""
        live = [p.array.name for p in self.parameters if p.array and "/vars/" not in p.array.name]
        plain = f"{self.layer}/{self.name}"
        return (*dict.fromkeys([*live[:1], plain, f"{self.model}/{plain}"]),)

    def matches(self, pattern: str, *, whole: bool = False) -> bool:
        """Tell whether the variable's path matches; refuse when that depends on the path."""
        found = {bool((re.fullmatch if whole else re.search)(pattern, p)) for p in self.paths}
        if len(found) > 1:
            raise UnsupportedError(
                f"whether '{pattern}' means the variable {self.paths[0]} depends on how Keras "
                "built the model",
                where=self.layer,
                hint="name the layer in the pattern",
            )
        return found.pop()


def trained_variables(twin: Twin) -> tuple[Trained, ...]:
    """Return what `model.trainable_variables` holds, in its order."""
    filled = {p.name: p for p in twin.parameters}
    return tuple(_walk(twin.graph, twin.program, "", filled, twin.graph.name))


def _walk(
    graph: Graph, program: Class, prefix: str, filled: dict[str, Parameter], model: str
) -> Iterator[Trained]:
    subs = {sub.layer: sub for sub in program.submodules}
    for layer in graph.layers.values():
        sub = subs.get(layer.path)
        if sub is None or not layer.trainable:
            continue
        name = f"{prefix}{sub.attribute}."
        if isinstance(sub.constructor, Class):
            assert layer.graph is not None
            yield from _walk(layer.graph, sub.constructor, name, filled, model)
        else:
            yield from _own(sub, name, filled, model)


def _own(
    sub: Submodule, prefix: str, filled: dict[str, Parameter], model: str
) -> Iterator[Trained]:
    """Yield the trained variables of a layer, in the order of its notations."""
    found: dict[str, list[Parameter]] = {}
    for key, notation in sub.weights.items():
        fixed = notation.constant or key in sub.frozen
        if not fixed and notation.variable not in sub.untrained:
            found.setdefault(notation.variable, []).append(filled[f"{prefix}{key}"])
    for name, parameters in found.items():
        parameters.sort(key=lambda p: p.notation.row or 0)
        rows = [p.notation.row for p in parameters]
        if len(rows) > 1 and rows != list(range(len(rows))):
            raise UnsupportedError(f"{name} is in several parameters", where=sub.layer)
        yield Trained(sub.layer, name, model, tuple(parameters))


Dims = int | tuple[int, ...]


def matrix_axes(variable: Trained) -> tuple[tuple[int, ...], tuple[Dims, Dims] | None]:
    """Return a shape of the parameter, and where in it the last two axes of Keras's shape are.

    None for a variable of fewer axes. The shape differs from the parameter's where PyTorch
    merges axes. Gates in another order and axes that are merged on both sides do not matter.
    """
    parameter = variable.parameters[0]
    if len(variable.shape) < 2:
        return parameter.shape, None
    if variable.stacked:
        return variable.shape, (len(variable.shape) - 2, len(variable.shape) - 1)
    if parameter.notation.sides is None:
        return parameter.shape, (len(parameter.shape) - 2, len(parameter.shape) - 1)
    return _split(parameter.notation, parameter.shape)


def _split(
    notation: Notation, torch_shape: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[Dims, Dims]]:
    assert notation.sides is not None
    left, right = notation.sides
    found = notation.lengths(torch_shape, keras=False)
    whole = {axis.label for axis in left} & {axis.label for axis in right}
    names: list[str] = []
    shape: list[int] = []
    for axis, length in zip(right, torch_shape, strict=True):
        if axis.parts or axis.label in whole:
            names.append(axis.label)
            shape.append(length)
        else:
            names += axis.names
            shape += [found[name] for name in axis.names]
    rows, columns = (_dims(axis, names, shape, whole) for axis in left[-2:])
    return tuple(shape), (rows, columns)


def _dims(axis: Axis, names: list[str], shape: list[int], whole: set[str]) -> Dims:
    """Return where an axis of Keras's is; an axis of length one is added at the end."""
    if axis.names == ("1",):
        names.append("")
        shape.append(1)
        return len(names) - 1
    if axis.label in whole or len(axis.names) == 1:
        return names.index(axis.label)
    return tuple(names.index(name) for name in axis.names)
