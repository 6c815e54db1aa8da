"""The whole comparison: weights, outputs, and where they differ the first layer that does."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.convert import LAYOUTS, convert
from torchtwin.emit.source import INFERENCE
from torchtwin.readers import live, read
from torchtwin.twin import Twin
from torchtwin.verify.compare import compare_outputs
from torchtwin.verify.compare_training import compare_training
from torchtwin.verify.inputs import Untestable, make_inputs
from torchtwin.verify.layers import first_difference
from torchtwin.verify.rebuild import NOTE, rebuilt
from torchtwin.verify.reference import (
    Original,
    Reference,
    Refusal,
    holds_code,
    judges_for,
    run_judge,
)
from torchtwin.verify.report import Report, TrainingReport
from torchtwin.verify.subject import Subject, subject_of
from torchtwin.verify.training import Lesson
from torchtwin.verify.weights import compare_weights

BUILDERS = ("tensorflow", "jax")
"""Judges that are Keras 3, whose vocabulary upgraded configs have."""

FAINT = "an output is all but zero for the inputs tried"
SMALL = 1e-6

INSTALL = 'pip install "torchtwin[verify]"'


def verified(
    model: Any, twin: Twin | str | Path, *, weights: str | Path | None, judge: str | None,
    seed: int, asked: Mapping[str, Any], custom: str | Path | None = None,
) -> Report:  # fmt: skip
    """Return the report on a twin; see `torchtwin.verify`."""
    subject = subject_of(twin)
    expected = expectation(model, twin, subject, weights, asked, custom=custom)
    with tempfile.TemporaryDirectory(prefix="torchtwin-live-") as folder:
        original = original_of(model, weights, expected, Path(folder))
        session = Session(original, expected, seed)
        return session.report(subject, judge)


def expectation(
    model: Any,
    twin: Twin | str | Path,
    subject: Subject,
    weights: str | Path | None,
    asked: Mapping[str, Any],
    *,
    custom: str | Path | None = None,
) -> Twin:
    """Return what `convert` makes of the model now, in the layout of the twin under test."""
    if isinstance(twin, Twin):
        same = not live.accepts(model) and twin.keras.origin == Path(model) and weights is None
        asked = asked or twin.asked
        if same and asked == twin.asked:
            return twin
        own = twin.custom if custom is None else custom
        made = convert(model, layout=twin.layout, weights=weights, custom=own, **asked)
        return made.optimize() if twin.inference else made
    takes, kind = _docstring(subject.source)
    first, *others = LAYOUTS
    found = convert(model, layout=first, weights=weights, custom=custom, **asked)
    for layout in others:
        if _docstring(found.source)[0] == takes:
            break
        other = convert(model, layout=layout, weights=weights, custom=custom, **asked)
        found = other if _docstring(other.source)[0] == takes else found
    return found.optimize() if kind == INFERENCE else found


def _docstring(source: str) -> tuple[str, str]:
    """Return what the program's docstring tells: what it takes, in which layout, and its kind."""
    start, _, rest = source.partition("\nTakes ")
    if not rest or len(start) > 2000:
        return "", ""
    takes, kind, *_ = [" ".join(part.split()) for part in [*rest.split("\n\n", 2), "", ""]]
    return takes, kind


def original_of(model: Any, weights: str | Path | None, expected: Twin, folder: Path) -> Original:
    """Return the files that a judge opens; a live model is saved by its own `save`."""
    shapes = [expected.graph.values[name].shape or () for name in expected.graph.inputs]
    source = read(model, weights=weights)
    if live.accepts(model):
        path = folder / "model.keras"
        model.save(path)
    else:
        path = Path(model)
    given = Path(weights) if weights is not None else None
    return Original(source, path, given, shapes, expected.custom)


def faint(reference: Reference) -> bool:
    """Tell whether some output is too near zero to show a difference: sigmoids saturate."""
    exact = reference.outputs.get("float64") or reference.outputs["float32"]
    return any(
        x.dtype.kind == "f" and max(float(np.abs(t[k]).max(initial=0.0)) for t in exact) < SMALL
        for k, x in enumerate(exact[0])
    )


class Session:
    """One Keras model, judged once; any number of twins can be compared with the reference."""

    def __init__(self, original: Original, expected: Twin, seed: int = 0) -> None:
        self.original, self.expected, self.seed = original, expected, seed
        self.refusals: list[Refusal] = []
        self.judge = ""
        self.rebuilt: dict[str, Any] | None = None
        self.lesson: Lesson | None = None

    def reference(self, wanted: str | None = None) -> Reference | None:
        """Return what the first judge that can run the model computed."""
        inputs = make_inputs(self.expected.graph, self.expected.program, self.seed)
        for judge in judges_for(self.original.source, wanted):
            result = run_judge(judge, self.original, inputs, lesson=self.lesson)
            if isinstance(result, Reference):
                self.judge = judge
                return result
            self.refusals.append(result)
        return self._from_config(inputs, wanted)

    def _from_config(
        self, inputs: Sequence[Sequence[np.ndarray]], wanted: str | None
    ) -> Reference | None:
        """Return what Keras 3 computes with the model built from its upgraded config."""
        builders = [j for j in judges_for(self.original.source, wanted) if j in BUILDERS]
        judge = builders[0] if builders else ""
        if not judge:
            return None
        if holds_code(self.original.source) or (model := rebuilt(self.expected)) is None:
            return None
        result = run_judge(judge, self.original, inputs, rebuilt=model, lesson=self.lesson)
        if isinstance(result, Refusal):
            self.refusals.append(Refusal(judge, f"rebuilding it from its config: {result.reason}"))
            return None
        self.judge, self.rebuilt = judge, model
        return replace(result, notes=(*result.notes, NOTE))

    def with_layers(self, reference: Reference) -> Reference:
        """Return the reference with what every layer gave: the judge runs once more."""
        if reference.layers:
            return reference
        result = run_judge(
            self.judge, self.original, reference.inputs, layers=True, rebuilt=self.rebuilt
        )
        return result if isinstance(result, Reference) else reference

    def report(self, subject: Subject, wanted: str | None = None) -> Report:
        count, changed = compare_weights(subject, self.expected.parameters)
        computed = [p for p in self.expected.parameters if p.array and p.array.exact]
        subject = replace(subject, computed=tuple(computed))
        try:
            if subject.train is not None and subject.module is not None:
                self.lesson = Lesson(self.expected, subject.train, self.seed)
            reference = self.reference(wanted)
        except Untestable as error:
            self.refusals.append(Refusal("no judge", error.problem))
            reference = None
        if reference is None:
            return self._unverified(count, changed)
        return self.compared(subject, reference, count, changed)

    def compared(
        self, subject: Subject, reference: Reference, count: int = 0, changed: Sequence[str] = ()
    ) -> Report:
        """Compare a twin with a reference that is there already."""
        outputs, problems = compare_outputs(subject, self.expected.program, reference)
        report = Report(
            reference.judge, tuple(outputs), tuple(problems), count, tuple(changed),
            notes=reference.notes, training=self._trained(subject, reference),
        )  # fmt: skip
        failed = bool(problems) or any(o.problem for o in outputs)
        if not (failed or faint(reference)):
            return report
        first = first_difference(
            subject, self.expected.source, self.expected.graph, self.expected.program,
            self.with_layers(reference),
        )  # fmt: skip
        if failed:
            return replace(report, first=first)
        if first is not None:
            return replace(report, first=first, problems=(f"{FAINT}, and a layer differs",))
        return replace(report, notes=(*report.notes, f"{FAINT}: layers were compared one by one"))

    def _trained(self, subject: Subject, reference: Reference) -> TrainingReport | None:
        if self.lesson is None or subject.train is None or subject.module is None:
            return None
        if self.lesson.problem:
            return TrainingReport(reason=self.lesson.problem)
        if reference.training is None:
            return None
        return compare_training(subject, self.lesson, reference.training, reference.judge)

    def _unverified(self, count: int, changed: Sequence[str]) -> Report:
        reasons = tuple(map(str, self.refusals))
        hint = "" if reasons else INSTALL
        return Report(None, weights=count, changed=tuple(changed), refusals=reasons, hint=hint)
