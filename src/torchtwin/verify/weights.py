"""Compares the twin's weights with what the Keras file says, through their notation."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from torchtwin.verify.numbers import shown
from torchtwin.verify.subject import Subject
from torchtwin.weights import Parameter


def compare_weights(subject: Subject, parameters: Iterable[Parameter]) -> tuple[int, list[str]]:
    """Return how many weights were compared, and a line on each that is not the file's."""
    wanted = {p.name: p for p in parameters}
    problems, seen = [], 0
    for name, tensor in subject.stored():
        parameter = wanted.pop(name, None)
        if parameter is None:
            problems.append(f"{name} is none of the Keras model's")
            continue
        seen += 1
        if text := _difference(tensor, parameter):
            problems.append(f"{name} {text}, by {_origin(parameter)}")
    problems += [f"{name} is missing, which {_origin(p)} fills" for name, p in wanted.items()]
    return seen, problems


def _origin(parameter: Parameter) -> str:
    if parameter.array is None:
        return f"{parameter.notation} in {parameter.layer}"
    return f"the file's {parameter.layer}/{parameter.notation.variable}"


def _difference(tensor: torch.Tensor, parameter: Parameter) -> str:
    if tuple(tensor.shape) != tuple(parameter.shape):
        return f"has the shape {shown(tuple(tensor.shape))}, not {shown(parameter.shape)}"
    value = parameter.read()
    wanted = torch.from_numpy(np.array(value))
    if parameter.dtype == "bfloat16":
        wanted = wanted.view(torch.bfloat16)
    if torch.equal(tensor, wanted.to(tensor.dtype)):
        return ""
    a, b = tensor.double(), wanted.double()
    if torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) and torch.equal(a.isnan(), b.isnan()):
        return ""
    differing = a != b
    largest = float((a - b).abs().nan_to_num(nan=float("inf")).max())
    return f"differs in {int(differing.sum())} of {a.numel()} numbers by up to {largest:.1e}"
