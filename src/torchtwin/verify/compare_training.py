"""Compares the training of a twin with Keras's: gradients, losses, weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from torchtwin.training.losses import UNREDUCED
from torchtwin.training.losses.crossentropy import FOREIGN, TWICE, UNNORMALISED
from torchtwin.twin import Twin
from torchtwin.verify.matching import matched
from torchtwin.verify.numbers import Gap, gap, relative, scaled
from torchtwin.verify.report import TrainingReport
from torchtwin.verify.subject import Subject
from torchtwin.verify.training import Curve, Judged, Lesson, Pupil
from torchtwin.weights import Parameter

LOSSES = {"float64": 1e-7, "float32": 1e-4}
"""The largest difference of a loss, as a share of it.

In float64 both sides do the same sums and mostly agree to 1e-12; what TensorFlow has in float32
even there, a number of the file that went through float32, is 1e-8 off. In float32
an optimizer such as Adam divides by the root of squared gradients: its first steps are as large
for a gradient of pure rounding as for any other. So float64 decides where Keras can do it, and
weights are compared in float32 only where it cannot.
"""
LEAST = {"float64": 1e-300, "float32": 1e-2}
"""Losses below this are as exact as this one: they come from larger numbers."""

WEIGHTS = {"float64": 1e-7, "float32": 1e-3}
"""The largest difference of a weight behind the last step, as a share of max(1, the largest)."""

MOVES = {"float64": 1e-5, "float32": 1e-1}
"""The same as a share of the way that the weight has gone: small learning rates go short ways."""

GRADIENTS = {"float64": 1e-7, "float32": 1e-3}
"""The largest difference of a gradient, as a share of its largest number."""

METRICS = 1e-5
"""Metrics add up in float32."""

ROUNDING = 10
"""A difference is rounding up to this factor of what a nudge makes of the twin."""

CHAOS = "in step {} rounding decides: a change of the weights by {:.0e} moves the loss by {:.0e}"

NUDGE = {"float64": 2.0**-48, "float32": 2.0**-19}
"""16 times the last digit, which is what a sum of some hundred products may be off."""


def compare_training(
    subject: Subject, lesson: Lesson, judged: Judged, judge: str
) -> TrainingReport:
    """Return the report on a twin that has a train.py."""
    assert lesson.twin.plan is not None
    told = tuple(lesson.twin.plan.differences)
    if judged.problem:
        return TrainingReport(reason=judged.problem, differences=told)
    try:
        pupil = Pupil(subject, lesson)
        if pupil.by_chance():
            return TrainingReport(reason="it depends on what is drawn", differences=told)
        comparison = Comparison(lesson.twin, judged, pupil, judge)
        report = comparison.report(told)
    except Exception as error:  # whatever train.py on disk does
        text = " ".join(str(error).split())[:300]
        return TrainingReport(
            problem=f"train.py does not train: {type(error).__name__}: {text}", differences=told
        )
    known = announced(told, judge)
    if report.problem and known:
        return TrainingReport(
            report.steps, reason=f"{report.problem}; as announced: {known}", differences=told
        )
    return report


DEPARTURES = {
    "TensorFlow": (FOREIGN, UNNORMALISED, UNREDUCED),
    "JAX": (TWICE, UNREDUCED),
}
"""What train.py does in another way than a Keras, with any targets: by what that Keras runs on.

What else it says of itself does not come about with the targets that are made here.
"""


def announced(sentences: Sequence[str], judge: str) -> str:
    """Return the sentence that says that train.py goes another way than this Keras, or ""."""
    starts = [s.partition("{")[0] for s in DEPARTURES["JAX" if "jax" in judge else "TensorFlow"]]
    return next((s for s in sentences for start in starts if s.startswith(start)), "")


def masked_metrics(twin: Twin) -> list[str]:
    """Return the metrics in which Keras on JAX overlooks masks, in training alone."""
    targets = twin.plan.targets if twin.plan is not None else ()
    return [name for t in targets if t.mask is not None for name, m, _ in t.metrics if m.masked]


@dataclass(frozen=True)
class Found:
    """How far single tensors are from Keras's: the parameter of each, in Keras's order."""

    gaps: Mapping[str, Gap]

    @property
    def error(self) -> float:
        return max((g.error for g in self.gaps.values()), default=0.0)

    def without(self, names: Sequence[str]) -> Found:
        return Found({name: g for name, g in self.gaps.items() if name not in names})

    def beyond(self, limit: float) -> list[str]:
        return [name for name, g in self.gaps.items() if g.problem or not g.error <= limit]


class Comparison:
    """The trainings of both sides, beside each other."""

    def __init__(self, twin: Twin, judged: Judged, pupil: Pupil, judge: str) -> None:
        self.judged, self.pupil = judged, pupil
        self.left_out = {"loss", *(masked_metrics(twin) if "jax" in judge else ())}
        self.parameters = list(matched(twin, judged))
        named = {name for name, _, _ in self.parameters}
        self.unmatched = [p.name for p in twin.parameters if p.array and p.name not in named]
        self.curves: dict[str, Curve] = {}
        self.nudges: dict[str, Curve] = {}
        self.chaos = ""
        self.rounded: list[str] = []
        for precision, losses in judged.losses.items():
            self.curves[precision] = pupil.trains(precision, len(losses))

    def report(self, told: tuple[str, ...]) -> TrainingReport:
        decisive = "float64" if "float64" in self.curves else "float32"
        losses = {p: max(self._loss_errors(p), default=0.0) for p in self.curves}
        gradients, weights = self._gradients(decisive), self._weights(decisive)
        notes = []
        if self.unmatched:
            notes.append(f"after training not compared: {', '.join(self.unmatched[:5])}")
        if not any(x.any() for x in self.curves[decisive].gradients.values()):
            notes.append("all gradients are 0 for the batches tried: nothing was trained")
        problems, where = self._problems(decisive, gradients, weights)
        if self.chaos and not problems:
            return TrainingReport(reason=self.chaos, differences=told)
        if self.rounded:
            names = ", ".join(dict.fromkeys(self.rounded))
            notes.append(f"what training makes of {names} is rounding on both sides")
        gradients, weights = gradients.without(self.rounded), weights.without(self.rounded)
        return TrainingReport(
            len(self.judged.losses[decisive]), losses, {decisive: gradients.error},
            {decisive: weights.error}, "; ".join(problems), where, notes=tuple(notes),
            differences=told,
        )  # fmt: skip

    def _problems(self, decisive: str, gradients: Found, weights: Found) -> tuple[list[str], str]:
        """Return what differs, and the parameter at which it begins."""
        problems, where = [], ""
        wrong = self._real(gradients.beyond(GRADIENTS[decisive]), gradients, decisive, "gradients")
        if wrong:
            where = wrong[-1]  # gradients flow from the end to the beginning
            problems.append(f"the gradient of {self._shown(where, gradients)} in the first step")
        for precision in self.curves:
            problems += self._losses(precision)
        moved = weights.beyond(WEIGHTS[decisive])
        moved += [n for n in self._strayed(decisive) if n not in moved]
        moved = self._real(moved, weights, decisive, "weights")
        if moved:
            ordered = [name for name, _, _ in self.parameters if name in moved]
            before = "" if wrong else "gradients agree in the first step; "
            steps = len(self.judged.losses[decisive])
            problems.append(f"{before}{self._shown(ordered[0], weights)} after {steps} steps")
            where = where or ordered[0]
        if not problems:
            problems += self._metrics(decisive)
        return problems, where

    def _shown(self, name: str, found: Found) -> str:
        layer = next(p.layer for n, p, _ in self.parameters if n == name)
        g = found.gaps[name]
        by = f"({g.problem})" if g.problem else f"by {g.error:.1e}"
        return f"{name} (layer {layer}) differs {by}"

    def _loss_errors(self, precision: str) -> list[float]:
        pairs = zip(self.curves[precision].losses, self.judged.losses[precision], strict=True)
        return [relative(mine, wanted, LEAST[precision]) for mine, wanted in pairs]

    def _losses(self, precision: str) -> Iterator[str]:
        limit = LOSSES[precision]
        errors = self._loss_errors(precision)
        step = next((k for k, e in enumerate(errors) if not e <= limit), None)
        if step is None:
            return
        nudged = self._nudged(precision).losses[step]
        own = relative(nudged, self.curves[precision].losses[step], LEAST[precision])
        if errors[step] <= ROUNDING * own:
            self.chaos = CHAOS.format(step + 1, NUDGE[precision], errors[step])
            return
        mine, wanted = self.curves[precision].losses[step], self.judged.losses[precision][step]
        yield (
            f"the loss of step {step + 1} is {mine:.9g} where Keras has {wanted:.9g} in {precision}"
        )

    def _gradients(self, precision: str) -> Found:
        mine = self.curves[precision].gradients
        gaps: dict[str, Gap] = {}
        wanted = {n: self._keras(precision, "gradients", p, k) for n, p, k in self.parameters}
        largest = max(
            (float(np.abs(x).max(initial=0)) for x in wanted.values() if x is not None), default=0
        )
        for name, keras_own in wanted.items():
            if keras_own is None:
                if name in mine:
                    gaps[name] = Gap(problem="Keras does not train it")
            elif name not in mine:
                gaps[name] = Gap(problem="only Keras trains it")
            else:
                gaps[name] = scaled(mine[name], keras_own, 1e-6 * largest)
        return Found(gaps)

    def _weights(self, precision: str) -> Found:
        now = self.curves[precision].weights
        gaps = {}
        for name, parameter, key in self.parameters:
            keras_own = self._keras(precision, "after", parameter, key)
            assert keras_own is not None
            gaps[name] = gap(now[name], keras_own) if name in now else Gap(problem="it is missing")
        return Found(gaps)

    def _strayed(self, precision: str) -> Iterator[str]:
        """Yield the parameters that went another way than Keras's, however short."""
        now = self.curves[precision].weights
        for name, parameter, key in self.parameters:
            before = self._keras(precision, "before", parameter, key)
            after = self._keras(precision, "after", parameter, key)
            assert before is not None
            assert after is not None
            if name not in now or now[name].shape != after.shape:
                continue
            went = float(np.abs(after - before).max(initial=0.0))
            apart = float(np.abs(now[name] - after).max(initial=0.0))
            # What is this near the last digit of the weights cannot be told from rounding.
            noise = float(np.abs(after).max(initial=0.0)) * NUDGE[precision] * 1e3
            if apart > max(MOVES[precision] * went, noise):
                yield name

    def _real(self, names: list[str], found: Found, precision: str, kind: str) -> list[str]:
        """Return those of `names` that differ by more than rounding does.

        A weight before a normalisation has a gradient of 0: what both sides have is rounding, of
        which Lion or Adafactor make a whole step.
        """
        kept = []
        for name in names:
            mine = getattr(self.curves[precision], kind).get(name)
            other = getattr(self._nudged(precision), kind).get(name)
            if found.gaps[name].problem or mine is None or other is None:
                kept.append(name)
                continue
            own = scaled(other, mine, 0.0).error if kind == "gradients" else gap(other, mine).error
            if found.gaps[name].error <= ROUNDING * own:
                self.rounded.append(name)
            else:
                kept.append(name)
        return kept

    def _nudged(self, precision: str) -> Curve:
        """Return the training that begins one digit away."""
        if precision not in self.nudges:
            steps = len(self.judged.losses[precision])
            self.nudges[precision] = self.pupil.trains(precision, steps, NUDGE[precision])
        return self.nudges[precision]

    def _metrics(self, precision: str) -> Iterator[str]:
        pairs = zip(self.curves[precision].figures, self.judged.figures[precision], strict=True)
        for step, (mine, wanted) in enumerate(pairs):
            for name in (wanted.keys() & mine.keys()) - self.left_out:
                if not abs(mine[name] - wanted[name]) <= METRICS * max(1.0, abs(wanted[name])):
                    if np.isnan(mine[name]) and np.isnan(wanted[name]):
                        continue
                    yield (
                        f"{name} of step {step + 1} is {mine[name]:.6g} where Keras has "
                        f"{wanted[name]:.6g}"
                    )
                    return

    def _keras(
        self, precision: str, kind: str, parameter: Parameter, key: str
    ) -> np.ndarray | None:
        """Return a Keras variable, or its gradient, as the twin's parameter is shaped."""
        array = self.judged.arrays.get(f"{precision}/{kind}/{key}")
        return None if array is None else np.asarray(parameter.notation.apply(array))
