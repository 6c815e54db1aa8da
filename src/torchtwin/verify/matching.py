"""Tells which of Keras's weights each parameter of the twin is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchtwin.twin import Twin
from torchtwin.verify.rebuild import variables_in_order
from torchtwin.verify.training import Judged
from torchtwin.weights import Parameter


def matched(twin: Twin, judged: Judged) -> Iterator[tuple[str, Parameter, str]]:
    """Yield the parameters that Keras variables fill, with the key of each, in Keras's order.

    Which of a layer's weights a variable is, its place tells and its value before training proves.
    """
    places = variables_in_order(twin.program)
    found: list[tuple[tuple[int, int], str, Parameter, str]] = []
    layers = {path: k for k, path in enumerate(judged.order)}
    for parameter in twin.parameters:
        if parameter.array is None or parameter.notation.constant:
            continue
        layer, place = parameter.layer, places.get((parameter.layer, parameter.notation.variable))
        value = parameter.array.read()
        numbers = sorted(range(judged.order.get(layer, 0)), key=lambda k: k != place)
        for k in numbers:
            before = judged.arrays[f"float32/before/{layer}/{k}"]
            if before.shape == value.shape and np.array_equal(before, value, equal_nan=True):
                found.append(((layers[layer], k), parameter.name, parameter, f"{layer}/{k}"))
                break
    for _, name, parameter, key in sorted(found, key=lambda row: row[0]):
        yield name, parameter, key
