"""Compares a drawn Keras program with its twin, in both layouts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import torchtwin
from cases import FLOAT32, FLOAT64, outputs, randomize, run, settle
from drawn.draft import Draft, unfilled
from train_support import precision


class Refused(Exception):
    """torchtwin does not translate the program."""


class Invalid(Exception):
    """Keras builds the program and cannot run it."""


class Wrong(AssertionError):
    """The twin computes something else than Keras."""


def judge(draft: Draft) -> None:
    """Raise Invalid, Refused or Wrong, or what a broken twin raises."""
    model = draft.names["model"]
    randomize(model)
    given = arrays(draft)
    try:
        wanted = outputs(model, given)
    except Exception as error:
        raise Invalid(str(error)) from error
    if not all(x.size for x in wanted):
        raise Invalid("nothing comes out")
    for layout in ("torch", "keras"):
        try:
            twin = torchtwin.convert(model, layout=layout)
        except torchtwin.UnsupportedError as error:
            raise Refused(str(error)) from error
        problem = difference(run(twin, given), wanted, FLOAT32)
        if problem and not _rounding(draft, model, twin, given):
            raise Wrong(f"layout {layout!r}: {problem}\n{draft!r}\n{twin.source}")


def _rounding(draft: Draft, model: keras.Model, twin: torchtwin.Twin, given: list[Any]) -> bool:
    """Tell whether the two agree where both compute in float64."""
    with precision("float64"):
        names: dict[str, Any] = {"keras": keras, "kl": keras.layers, "ops": keras.ops}
        with unfilled():
            exec("\n".join(draft.lines), names)
        precise = names["model"]
        precise.set_weights(model.get_weights())
        settle(precise)
        doubled = [x.astype("float64") if x.dtype == np.float32 else x for x in given]
        wanted = outputs(precise, doubled)
    twin.module.double()
    return not difference(run(twin, doubled), wanted, FLOAT64)


def arrays(draft: Draft) -> list[np.ndarray]:
    """Return numbers for the inputs of a program, the same for the same program."""
    rng = np.random.default_rng(5)
    made = []
    for kind, shape in draft.given:
        if kind.startswith("int:"):
            made.append(rng.integers(0, int(kind[4:]), shape).astype("int32"))
            continue
        x = rng.normal(size=shape).astype("float32")
        if kind == "masked":
            x[rng.random(x.shape[:2]) < 0.4] = 0.0
        made.append(x)
    return made


def difference(got: list[Any], wanted: list[Any], tolerance: float) -> str:
    """Say how results differ, "" where they agree: structure, shapes and dtypes first."""
    if len(got) != len(wanted):
        return f"{len(got)} outputs, {len(wanted)} wanted"
    for k, (mine, theirs) in enumerate(zip(got, wanted, strict=True)):
        if (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype):
            return f"output {k}: {mine.shape} {mine.dtype}, wanted {theirs.shape} {theirs.dtype}"
        finite = np.isfinite(theirs)
        if not np.array_equal(mine[~finite], theirs[~finite], equal_nan=True):
            return f"output {k}: what is not finite differs"
        a, b = mine[finite].astype("float64"), theirs[finite].astype("float64")
        scale = max(1.0, float(np.abs(b).max(initial=0.0)))
        worst = float(np.abs(a - b).max(initial=0.0)) / scale
        if not worst <= tolerance:
            return f"output {k}: off by {worst:.1e}"
    return ""
