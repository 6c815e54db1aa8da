"""Finds the first Keras layer whose values differ between the two sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from torchtwin.graph import Graph, Layout, value_name
from torchtwin.program import Class
from torchtwin.verify.numbers import Gap, gap
from torchtwin.verify.reference import LayerOutput, Reference
from torchtwin.verify.report import FirstDifference
from torchtwin.verify.subject import Subject, to_keras
from torchtwin.verify.trace import Trace, traced

Values = dict[tuple[str, int], list[np.ndarray]]
"""What was computed for a layer's result, in Keras's order of axes, once for every call."""


@dataclass(frozen=True)
class Known:
    """A value of the program: the path of its Keras layer, which result, and how it lies."""

    path: str
    tensor: int
    layout: Layout | None
    flattened: tuple[tuple[int, ...], Layout] | None


def first_difference(
    subject: Subject, emitted: str, graph: Graph, program: Class, reference: Reference
) -> FirstDifference | None:
    """Run the twin line by line beside what Keras's layers gave; None where all agree.

    In float64 where Keras could do it: there a difference is no rounding.
    """
    precision = _precision(reference)
    mine, left_out = followed(subject, emitted, graph, program, reference)
    return _first(reference.layers.get(precision, ()), mine, left_out, precision)


def _precision(reference: Reference) -> str:
    return "float64" if "float64" in reference.layers else "float32"


def followed(
    subject: Subject, emitted: str, graph: Graph, program: Class, reference: Reference
) -> tuple[Values, set[str]]:
    """Return what the twin computes for each Keras layer that has a line, by path and result.

    With it come the paths of layers whose line is missing.
    """
    precision = _precision(reference)
    if subject.module is None:
        return {}, set()
    module = subject.precise() if precision == "float64" else subject.module
    trace = traced(
        module, subject.source, emitted, program, inputs=reference.inputs[0], precision=precision
    )
    return _by_layer(trace, graph, program), trace.left_out


def _first(
    outputs: Sequence[LayerOutput], mine: Values, left_out: set[str], precision: str
) -> FirstDifference | None:
    agreeing: set[str] = set()
    missing: list[str] = []
    for output in outputs:
        candidates = mine.get((output.path, output.tensor))
        if not candidates:
            missing += [output.path] * (output.path in left_out)
            continue
        found = _nearest(candidates, output.value)
        if not found.within(precision):
            return FirstDifference(
                output.path, output.class_name, found.error, found.problem,
                len(agreeing - {output.path}), tuple(dict.fromkeys(missing)),
            )  # fmt: skip
        agreeing.add(output.path)
    return None


def _nearest(candidates: Sequence[np.ndarray], value: np.ndarray) -> Gap:
    """Return the smallest gap: the two sides may call a shared layer in another order."""
    gaps = [gap(mine, value) for mine in candidates]
    return min(gaps, key=lambda g: (bool(g.problem), g.error))


def _by_layer(trace: Trace, graph: Graph, program: Class) -> Values:
    known = dict(_known(graph, program, ""))
    result: Values = {}
    for key, tensors in trace.values.items():
        if (value := known.get(key)) is None:
            continue
        arrays = [_as_keras(to_keras(t, value.layout), value) for t in tensors]
        result.setdefault((value.path, value.tensor), []).extend(arrays)
    return result


def _known(graph: Graph, program: Class, prefix: str) -> Iterator[tuple[tuple[str, str], Known]]:
    """Yield the values of a program and of its nested ones, by module and name."""
    for node in graph.nodes:
        if node.kind != "call":
            continue
        layer = graph.layers[node.layer]
        for tensor in range(len(node.outputs)):
            name = value_name(node.layer, int(node.name.rpartition("@")[2]), tensor)
            value = graph.values.get(name)
            if value is not None:
                known = Known(layer.path, tensor, value.layout, value.flattened)
                yield (prefix.removesuffix("."), name), known
    attributes = {sub.layer: sub for sub in program.submodules}
    for layer in graph.layers.values():
        sub = attributes.get(layer.path)
        if layer.graph is not None and sub is not None and isinstance(sub.constructor, Class):
            yield from _known(layer.graph, sub.constructor, f"{prefix}{sub.attribute}.")


def _as_keras(array: np.ndarray, value: Known) -> np.ndarray:
    """Return features that were flattened in PyTorch's order in that of Keras."""
    if value.flattened is None or array.ndim != 2:
        return array
    lengths, layout = value.flattened
    lying = [lengths[axis - 1] for axis in layout[1:]]
    if array.shape[1] != int(np.prod(lying)):
        return array
    moved = array.reshape(array.shape[0], *lying).transpose(np.argsort(layout))
    return moved.reshape(array.shape)
