"""Makes inputs for a comparison: numbers that reach every part of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from torchtwin.errors import TorchTwinError
from torchtwin.evaluate import Runner, shapes_only
from torchtwin.graph import Graph, Layer
from torchtwin.program import Class

FREE = (((7, 9), (9, 12)), ((16, 24), (24, 16)), ((16, 16), (32, 32)), ((64, 64), (128, 128)),
        ((192, 192), (256, 256)))  # fmt: skip
"""Lengths of free axes for two trials: (first free axis, the others). Those that run are used."""

BATCHES = (2, 3)
SMALL, LARGEST = 8, 1 << 20
KEEPS_VALUES = frozenset(
    ["Reshape", "Flatten", "Permute", "RepeatVector", "Dropout", "SpatialDropout1D", "Masking",
     "Activation", "Identity", "InputLayer", "Concatenate", "Cropping1D", "ZeroPadding1D"]
)  # fmt: skip
"""Layers behind which an index is still an index."""


class Untestable(TorchTwinError):
    """No inputs can be made for this model."""


def make_inputs(graph: Graph, program: Class, seed: int) -> list[list[np.ndarray]]:
    """Return two trials of inputs in Keras's order of axes, the second with other lengths.

    Floats are normal, indices lie below the vocabularies that they reach; where the model makes
    masks, steps at the end (first trial), or at the start and anywhere (second), are masked.
    """
    if any(graph.values[name].dtype == "string" for name in graph.inputs):
        raise Untestable("the model takes strings")
    rng = np.random.default_rng(seed)
    return [_arrays(graph, s, k, rng) for k, s in enumerate(_lengths(graph, program))]


def batches_like(
    graph: Graph, program: Class, count: int, size: int, rng: Any
) -> list[list[np.ndarray]]:
    """Return `count` batches of inputs with the lengths of the first trial."""
    first = _lengths(graph, program)[0]
    batches = [_batch(graph.layers[name.rpartition("@")[0]]) for name in graph.inputs]
    fixed = next((b for b in batches if b), size)
    shapes = [(fixed, *shape[1:]) for shape in first]
    return [_arrays(graph, shapes, 0, rng) for _ in range(count)]


def _arrays(
    graph: Graph, shapes: Sequence[tuple[int, ...]], trial: int, rng: Any
) -> list[np.ndarray]:
    masked = list(mask_values(graph))
    arrays = []
    for name, shape in zip(graph.inputs, shapes, strict=True):
        array = _array(graph, name, shape, rng)
        if masked and array.ndim >= 2:
            _mask(array, masked, trial, rng)
        arrays.append(array)
    return arrays


def _lengths(graph: Graph, program: Class) -> list[list[tuple[int, ...]]]:
    """Return the shapes of both trials: the shortest free lengths with which the model runs."""
    shapes = [graph.values[name].shape or () for name in graph.inputs]
    batches = [_batch(graph.layers[name.rpartition("@")[0]]) for name in graph.inputs]
    for pair in FREE:
        trials = []
        for batch, free in zip(BATCHES, pair, strict=True):
            fixed = next((b for b in batches if b), batch)
            trials.append([_filled(shape, fixed, free) for shape in shapes])
        if not any(None in shape[1:] for shape in shapes) or _runs(graph, program, trials):
            return trials
    raise Untestable("no lengths were found with which the model runs")


def _batch(layer: Layer) -> int | None:
    """Return the batch size that a model insists on: stateful layers do."""
    given = layer.config.get("batch_shape") or [None]
    return given[0] if isinstance(given[0], int) else None


def _filled(shape: Sequence[int | None], batch: int, free: tuple[int, int]) -> tuple[int, ...]:
    lengths = [batch]
    first = True
    for length in shape[1:]:
        lengths.append(length if length is not None else free[0] if first else free[1])
        first = first and length is not None
    return tuple(lengths)


def _runs(graph: Graph, program: Class, trials: Sequence[Sequence[tuple[int, ...]]]) -> bool:
    try:
        runner = Runner(program)
        for shapes in trials:
            given = []
            for argument, shape in zip(program.inputs, shapes, strict=True):
                dtype = getattr(torch, argument.dtype)
                lying = [shape[k] for k in argument.layout or range(len(shape))]
                given.append(torch.empty(lying, dtype=dtype, device="meta"))
            with shapes_only():
                runner(*given)
    except (RuntimeError, ValueError, IndexError):
        return False
    return bool(graph.inputs)


def _array(graph: Graph, name: str, shape: tuple[int, ...], rng: Any) -> np.ndarray:
    dtype = graph.values[name].dtype
    vocabulary = min(vocabularies(graph, name), default=None)
    if vocabulary is not None:
        return np.asarray(rng.integers(0, max(1, vocabulary), shape)).astype(_numpy(dtype))
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if "int" in dtype:
        highest = 256 if dtype == "uint8" else SMALL
        return np.asarray(rng.integers(0, highest, shape)).astype(dtype)
    return np.asarray(rng.normal(size=shape)).astype(_numpy(dtype))


def _numpy(dtype: str) -> str:
    """Floats travel as float32: numpy has no bfloat16, and both sides cast alike."""
    return dtype if "int" in dtype else "float32"


def vocabularies(graph: Graph, name: str) -> Iterator[int]:
    """Yield the sizes of the tables that look up the numbers of a value."""
    pending, seen = [name], {name}
    while pending:
        value = pending.pop()
        for node in graph.users(value):
            layer = graph.layers[node.layer]
            if layer.graph is not None and value in node.inputs:
                inner = layer.graph.inputs[node.inputs.index(value)]
                yield from vocabularies(layer.graph, inner)
            size = _table(layer.class_name, layer.config)
            if size is not None:
                yield min(size, LARGEST)
            elif layer.class_name in KEEPS_VALUES:
                pending += [v for v in node.outputs if v not in seen]
                seen.update(node.outputs)


def _table(class_name: str, config: Mapping[str, Any]) -> int | None:
    if class_name == "TimeDistributed" and isinstance(inner := config.get("layer"), Mapping):
        return _table(str(inner.get("class_name")), inner.get("config") or {})
    key = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens"}.get(class_name)
    size = config.get(key) if key else None
    return size if isinstance(size, int) else None


def mask_values(graph: Graph) -> Iterator[float]:
    """Yield the numbers that stand for "nothing here"."""
    for layer in graph.layers.values():
        if layer.graph is not None:
            yield from mask_values(layer.graph)
        elif layer.class_name == "Masking":
            yield float(layer.config.get("mask_value", 0.0))
        elif layer.class_name == "Embedding" and layer.config.get("mask_zero"):
            yield 0.0


def _mask(array: np.ndarray, values: Sequence[float], trial: int, rng: Any) -> None:
    """Mask steps: the last ones of each row but the first, or the first ones and some more."""
    steps = array.shape[1]
    for row in range(array.shape[0]):
        value = values[row % len(values)]
        count = int(rng.integers(1, steps)) if steps > 1 else 0
        if trial == 0 and row:
            array[row, steps - count :] = value
        elif trial:
            array[row, : count // 2] = value
            chosen = rng.random(steps) < 0.2
            chosen[-1] = False
            array[row, chosen] = value
