"""Compares the outputs of a twin with the reference: count, shape, dtype, then values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from torchtwin.program import Argument, Class
from torchtwin.verify.numbers import TOLERANCE, Gap, gap, worst
from torchtwin.verify.reference import Reference
from torchtwin.verify.report import OutputReport, counted
from torchtwin.verify.subject import Subject, run, to_keras

ROUNDING = 10
"""float32 is rounding only while the twin is as near the truth as Keras, up to this factor."""

Trials = list[list[np.ndarray]]


def compare_outputs(
    subject: Subject, program: Class, reference: Reference
) -> tuple[list[OutputReport], list[str]]:
    """Return a report on each output, and what differs beyond single outputs."""
    if subject.module is None:
        return [], [subject.problem]
    results: dict[str, Trials] = {}
    gaps: dict[str, list[list[Gap]]] = {}
    for precision in reference.outputs:
        try:
            results[precision], gaps[precision] = _precision(subject, program, reference, precision)
        except _Count as count:
            return [], [str(count)]
        except Exception as error:  # whatever the program on disk raises
            text = " ".join(str(error).split())[:300]
            return [], [f"model.py does not run in {precision}: {type(error).__name__}: {text}"]
    reports = []
    for k, argument in enumerate(program.outputs):
        found = {p: worst([trial[k] for trial in gaps[p]]) for p in gaps}
        reports.append(_report(argument.name, found, results, reference, k))
    return reports, []


class _Count(Exception):
    """Another number of inputs or outputs."""


def _precision(
    subject: Subject, program: Class, reference: Reference, precision: str
) -> tuple[Trials, list[list[Gap]]]:
    module = subject.precise() if precision == "float64" else subject.module
    assert module is not None
    results, gaps = [], []
    trials = zip(
        reference.inputs, reference.outputs[precision], reference.dtypes[precision], strict=True
    )
    for inputs, wanted, dtypes in trials:
        tensors = run(module, inputs, program.inputs, precision)
        if len(tensors) != len(wanted):
            raise _Count(f"it returns {counted(len(tensors), 'output')}, Keras {len(wanted)}")
        made, found = [], []
        rows = zip(tensors, program.outputs, wanted, dtypes, strict=True)
        for tensor, argument, value, dtype in rows:
            array, distance = _output(tensor, argument, value, dtype)
            made.append(array)
            found.append(distance)
        results.append(made)
        gaps.append(found)
    return results, gaps


def _output(
    tensor: torch.Tensor, argument: Argument, wanted: np.ndarray, dtype: str
) -> tuple[np.ndarray, Gap]:
    array = to_keras(tensor, argument.layout)
    distance = gap(array, wanted)
    mine = str(tensor.dtype).removeprefix("torch.")
    if not distance.problem and mine != dtype:
        distance = Gap(distance.error, f"dtype {mine} where Keras has {dtype}")
    return array, distance


def _report(
    name: str, found: dict[str, Gap], results: dict[str, Trials], reference: Reference, k: int
) -> OutputReport:
    errors = {precision: g.error for precision, g in found.items() if not g.problem}
    failing = [p for p, g in found.items() if not g.within(p)]
    if not failing:
        return OutputReport(name, errors)
    single = found["float32"]
    if failing == ["float32"] and not single.problem and "float64" in found:
        own = _distance(reference.outputs["float32"], reference.outputs["float64"], k)
        mine = _distance(results["float32"], reference.outputs["float64"], k)
        if own is not None and mine is not None and mine <= ROUNDING * own:
            text = (
                f"float32 differs by {single.error:.1e}, which is rounding: float64 agrees to "
                f"{found['float64'].error:.1e}, and Keras's own float32 is {own:.1e} off"
            )
            return OutputReport(name, errors, rounding=text)
    figures = ", ".join(f"{found[p].error:.1e} in {p}" for p in failing)
    allowed = ", ".join(f"{TOLERANCE[p]:.0e}" for p in failing)
    problems = list(dict.fromkeys(g.problem for g in found.values() if g.problem))
    return OutputReport(
        name, errors, "; ".join(problems) or f"differs by {figures} (allowed: {allowed})"
    )


def _distance(
    rounded: Sequence[Sequence[np.ndarray]], exact: Sequence[Sequence[np.ndarray]], k: int
) -> float | None:
    gaps = [gap(a[k], b[k]) for a, b in zip(rounded, exact, strict=True)]
    found = worst(gaps)
    return None if found.problem else found.error
