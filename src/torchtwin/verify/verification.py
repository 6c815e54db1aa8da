"""The whole comparison: weights, outputs, and where they differ the first layer that does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torchtwin.convert import LAYOUTS, convert
from torchtwin.readers import live, read
from torchtwin.twin import Twin
from torchtwin.verify.compare import compare_outputs
from torchtwin.verify.inputs import Untestable, make_inputs
from torchtwin.verify.layers import first_difference
from torchtwin.verify.reference import Original, Reference, Refusal, judges_for, run_judge
from torchtwin.verify.report import Report
from torchtwin.verify.subject import Subject, subject_of
from torchtwin.verify.weights import compare_weights

INSTALL = 'pip install "torchtwin[verify]"'


def verified(
    model: Any, twin: Twin | str | Path, *, weights: str | Path | None, judge: str | None, seed: int
) -> Report:
    """Return the report on a twin; see `torchtwin.verify`."""
    subject = subject_of(twin)
    expected = expectation(model, twin, subject, weights)
    with tempfile.TemporaryDirectory(prefix="torchtwin-live-") as folder:
        original = original_of(model, weights, expected, Path(folder))
        session = Session(original, expected, seed)
        return session.report(subject, judge)


def expectation(
    model: Any, twin: Twin | str | Path, subject: Subject, weights: str | Path | None
) -> Twin:
    """Return what `convert` makes of the model now, in the layout of the twin under test."""
    if isinstance(twin, Twin):
        same = not live.accepts(model) and twin.keras.origin == Path(model) and weights is None
        return twin if same else convert(model, layout=twin.layout, weights=weights)
    twins = [convert(model, layout=layout, weights=weights) for layout in LAYOUTS]
    return next((t for t in twins if _signature(t.source) == _signature(subject.source)), twins[0])


def _signature(source: str) -> str:
    """Return the line of the program's docstring that tells what it takes, in which layout."""
    start, _, rest = source.partition("\nTakes ")
    return " ".join(rest.partition("\n\n")[0].split()) if rest and len(start) < 2000 else ""


def original_of(model: Any, weights: str | Path | None, expected: Twin, folder: Path) -> Original:
    """Return the files that a judge opens; a live model is saved by its own `save`."""
    shapes = [expected.graph.values[name].shape or () for name in expected.graph.inputs]
    source = read(model, weights=weights)
    if live.accepts(model):
        path = folder / "model.keras"
        model.save(path)
    else:
        path = Path(model)
    return Original(source, path, Path(weights) if weights is not None else None, shapes)


class Session:
    """One Keras model, judged once; any number of twins can be compared with the reference."""

    def __init__(self, original: Original, expected: Twin, seed: int = 0) -> None:
        self.original, self.expected, self.seed = original, expected, seed
        self.refusals: list[Refusal] = []
        self.judge = ""

    def reference(self, wanted: str | None = None) -> Reference | None:
        """Return what the first judge that can run the model computed."""
        inputs = make_inputs(self.expected.graph, self.expected.program, self.seed)
        for judge in judges_for(self.original.source, wanted):
            result = run_judge(judge, self.original, inputs)
            if isinstance(result, Reference):
                self.judge = judge
                return result
            self.refusals.append(result)
        return None

    def with_layers(self, reference: Reference) -> Reference:
        """Return the reference with what every layer gave: the judge runs once more."""
        if reference.layers:
            return reference
        result = run_judge(self.judge, self.original, reference.inputs, layers=True)
        return result if isinstance(result, Reference) else reference

    def report(self, subject: Subject, wanted: str | None = None) -> Report:
        count, changed = compare_weights(subject, self.expected.parameters)
        try:
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
            notes=reference.notes,
        )  # fmt: skip
        if report.ok or not (problems or any(o.problem for o in outputs)):
            return report
        first = first_difference(
            subject, self.expected.source, self.expected.graph, self.expected.program,
            self.with_layers(reference),
        )  # fmt: skip
        return Report(
            report.judge, report.outputs, report.problems, count, report.changed, first,
            report.notes,
        )  # fmt: skip

    def _unverified(self, count: int, changed: Sequence[str]) -> Report:
        reasons = tuple(map(str, self.refusals))
        hint = "" if reasons else INSTALL
        return Report(None, weights=count, changed=tuple(changed), refusals=reasons, hint=hint)
