"""The variant of a twin for inference alone: see `Twin.optimize`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from torchtwin.build import build
from torchtwin.emit.source import emit_source
from torchtwin.graph import Fold, Graph, Layer
from torchtwin.lower import lower
from torchtwin.passes import run_passes
from torchtwin.passes.inference import DEPTHWISE, SEPARABLE, TRANSPOSED
from torchtwin.precision import mixed_precision
from torchtwin.program import Class
from torchtwin.source import Array
from torchtwin.weights import filled

if TYPE_CHECKING:
    from torchtwin.twin import Twin

EPSILON = 1e-3
"""Keras's default of BatchNormalization's `epsilon`."""


def optimized(twin: Twin) -> Twin:
    """Return the twin for inference alone; its weights come from those of `twin`."""
    from torchtwin.custom import own_classes

    own: AbstractContextManager[Any] = nullcontext()
    if twin.custom is not None:
        own = own_classes(twin.custom, twin.keras)
    with own:
        graph = run_passes(build(twin.keras), twin.layout, inference=True)
        program = _thawed(lower(graph))
        text = emit_source(program, mixed_precision(graph), inference=True)
        stored = {
            f"{p.layer}/{p.notation.variable}": p.array
            for p in twin.parameters
            if p.array is not None and not p.notation.constant
        }
        arrays = {**stored, **dict(_folded(graph, stored))}
        parameters = tuple(filled(program, arrays, ""))
    return dataclasses.replace(
        twin, source=text, program=program, graph=graph, parameters=parameters, plan=None,
        train=None, untrained=None, optimizer=(), inference=True,
    )  # fmt: skip


def _thawed(program: Class) -> Class:
    """Return a program that says of no single weight that it gets no gradient: none does."""
    subs = [
        dataclasses.replace(
            sub,
            frozen=(),
            constructor=_thawed(sub.constructor)
            if isinstance(sub.constructor, Class)
            else sub.constructor,
        )
        for sub in program.submodules
    ]
    return dataclasses.replace(program, submodules=tuple(subs))


def _folded(graph: Graph, stored: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield kernel and bias of each layer that holds normalisations, by path and variable."""
    for layer in graph.layers.values():
        if layer.graph is not None:
            yield from _folded(layer.graph, stored)
        if layer.folds:
            weights = _Weights(layer, stored)
            kernel = stored[f"{layer.path}/{weights.name}"]
            width = math.prod(weights.channels(kernel.shape))
            for name, shape in ((weights.name, kernel.shape), ("bias", (width,))):
                yield f"{layer.path}/{name}", weights.array(name, shape, kernel.dtype)


class _Weights:
    """Kernel and bias of a layer with the normalisations that became part of them."""

    def __init__(self, layer: Layer, stored: Mapping[str, Array]) -> None:
        self.layer, self.stored = layer, stored
        self.name = "pointwise_kernel" if layer.class_name in SEPARABLE else "kernel"

    def array(self, name: str, shape: tuple[int, ...], dtype: str) -> Array:
        def exact() -> np.ndarray:
            return self.exact()[name]

        return Array(
            f"{self.layer.path}/{name}", shape, dtype, lambda: exact().astype(dtype), exact=exact
        )

    def channels(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the lengths of the axes of a kernel along which the results lie."""
        if self.layer.class_name in DEPTHWISE:
            return shape[-2:]
        return (shape[-2],) if self.layer.class_name in TRANSPOSED else (shape[-1],)

    def exact(self) -> dict[str, np.ndarray]:
        """Return kernel and bias in float64."""
        kernel = self._stored(self.layer.path, self.name)
        assert kernel is not None
        bias = self._stored(self.layer.path, "bias")
        if bias is None:
            bias = np.zeros(math.prod(self.channels(kernel.shape)))
        for fold in self.layer.folds:
            change = self._first if fold.before else self._last
            kernel, bias = change(kernel, bias, *self._affine(fold))
        return {self.name: kernel, "bias": bias}

    def _stored(self, path: str, name: str) -> np.ndarray | None:
        array = self.stored.get(f"{path}/{name}")
        return None if array is None else array.read().astype("float64")

    def _affine(self, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
        """Return the factor and the offset of a normalisation, for each channel."""
        mean, variance, gamma, beta = (
            self._stored(fold.path, name)
            for name in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        assert mean is not None
        assert variance is not None
        factor = 1 / np.sqrt(variance + fold.config.get("epsilon", EPSILON))
        factor = factor if gamma is None else factor * gamma
        return factor, (0.0 if beta is None else beta) - mean * factor

    def _last(
        self, kernel: np.ndarray, bias: np.ndarray, factor: np.ndarray, offset: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Normalise what the layer gives."""
        along = factor.reshape(self.channels(kernel.shape))
        if self.layer.class_name in TRANSPOSED:
            along = along[:, None]
        return kernel * along, bias * factor + offset

    def _first(
        self, kernel: np.ndarray, bias: np.ndarray, factor: np.ndarray, offset: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Normalise what the layer takes."""
        inputs, results = kernel.shape[-2:]
        if self.layer.class_name in DEPTHWISE:  # h w i m: each input alone
            added = (kernel * offset[:, None]).sum(tuple(range(kernel.ndim - 2)))
            return kernel * factor[:, None], bias + added.reshape(-1)
        groups = len(factor) // inputs
        split = kernel.reshape(*kernel.shape[:-1], groups, results // groups)
        factors, offsets = (v.reshape(groups, inputs).T[..., None] for v in (factor, offset))
        added = (split * offsets).sum(tuple(range(split.ndim - 2))).reshape(-1)
        return (split * factors).reshape(kernel.shape), bias + added
