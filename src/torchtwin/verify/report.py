"""What a verification found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from torchtwin.errors import TorchTwinError, TwinsDiffer

AGREES, DIFFERS, UNVERIFIED = "agrees", "differs", "not verified"
MOST_LISTED = 5


@dataclass(frozen=True)
class OutputReport:
    """One output of the model: how far the twin's is from Keras's, by precision.

    Errors are shares of max(1, the largest number Keras gives). `problem` is empty, or says
    what differs; `rounding` tells that float32 differs and float64 proves it to be rounding.
    """

    name: str
    errors: Mapping[str, float]
    problem: str = ""
    rounding: str = ""


@dataclass(frozen=True)
class FirstDifference:
    """The first Keras layer, in Keras's order, whose values differ between the two sides.

    `agreeing` counts the layers before it that agree; `left_out` are those that have no line.
    """

    layer: str
    class_name: str
    error: float
    problem: str = ""
    agreeing: int = 0
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        by = self.problem or f"by {self.error:.1e}"
        before = f"; the {self.agreeing} before it agree" if self.agreeing > 1 else ""
        before = "; the one before it agrees" if self.agreeing == 1 else before
        if self.left_out:
            before += f"; model.py has no line for {', '.join(self.left_out)}"
        return f"{self.layer} ({self.class_name}) is the first that differs, {by}{before}"


@dataclass(frozen=True)
class TrainingReport:
    """What training made of the two sides: figures by precision, and what differs.

    `losses` are shares of the loss, the largest of all steps; `gradients` those of the first step,
    as shares of the largest number in each; `weights` those behind the last step, as outputs are
    measured. `problem` is empty, or says what differs, `where` names the parameter at which it
    begins. `reason` says why nothing could be told. `differences` are the sentences in which
    train.py says what differs from Keras.
    """

    steps: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    gradients: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""
    where: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        if self.reason:
            yield f"  training not verified: {self.reason}"
        elif self.problem:
            yield f"  training {self.problem}"
        else:
            (precision, weights), *_ = self.weights.items()
            figures = f"loss {self.losses[precision]:.1e} · weights {weights:.1e}"
            yield f"  training {counted(self.steps, 'step')}: {figures} ({precision})"
        yield from (f"  note    {note}" for note in self.notes)
        yield from (f"  known   {sentence}" for sentence in self.differences)


@dataclass(frozen=True)
class Report:
    """The verdict on a twin, and what it rests on.

    `judge` is the Keras that computed the reference, None when none could. `problems` are
    differences that belong to no output: another number of outputs, a program that does not
    run. `weights` counts what was compared, `changed` names what is not as the file says.
    `training` is None where the twin has no train.py.
    """

    judge: str | None
    outputs: tuple[OutputReport, ...] = ()
    problems: tuple[str, ...] = ()
    weights: int = 0
    changed: tuple[str, ...] = ()
    first: FirstDifference | None = None
    notes: tuple[str, ...] = ()
    training: TrainingReport | None = None
    refusals: tuple[str, ...] = ()
    hint: str = field(default="", compare=False)

    @property
    def verdict(self) -> str:
        if self.problems or self.changed or any(o.problem for o in self.outputs):
            return DIFFERS
        if self.training is not None and self.training.problem:
            return DIFFERS
        return AGREES if self.judge else UNVERIFIED

    @property
    def ok(self) -> bool:
        """True when a judge ran the model and nothing differs."""
        return self.verdict == AGREES

    def check(self) -> Report:
        """Return the report when the twins agree.

        Raises TwinsDiffer when they do not, TorchTwinError when nobody could tell.
        """
        if self.verdict == DIFFERS:
            raise TwinsDiffer(str(self), where=self.first.layer if self.first else "")
        if self.verdict == UNVERIFIED:
            raise TorchTwinError(str(self))
        return self

    def errors(self) -> dict[str, float]:
        """Return the largest error of all outputs, by precision."""
        result: dict[str, float] = {}
        for output in self.outputs:
            for precision, error in output.errors.items():
                result[precision] = max(error, result.get(precision, 0.0))
        return result

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.verdict == UNVERIFIED:
            yield "not verified: no Keras here could run the model"
        elif self.verdict == AGREES:
            yield f"agrees with {self.judge}: {' · '.join(self._figures())}"
        else:
            yield f"differs from {self.judge or 'the Keras file'}"
            yield from self._differences()
        if self.training is not None:
            yield from self.training.lines()
        yield from (f"  note    {note}" for note in self._notes())
        if not self.judge:
            yield from (f"  judge   {text}" for text in self.refusals)
        if self.hint:
            yield f"  try     {self.hint}"

    def _figures(self) -> Iterator[str]:
        for precision, error in self.errors().items():
            yield f"{precision} {error:.1e}"
        yield counted(len(self.outputs), "output")
        yield counted(self.weights, "weight")

    def _differences(self) -> Iterator[str]:
        yield from (f"  model   {problem}" for problem in self.problems)
        for output in self.outputs:
            if output.problem:
                yield f"  output  {output.name}: {output.problem}"
        if self.first:
            yield f"  layer   {self.first}"
        yield from (f"  weight  {text}" for text in self.changed[:MOST_LISTED])
        if len(self.changed) > MOST_LISTED:
            yield f"  weight  and {len(self.changed) - MOST_LISTED} more"

    def _notes(self) -> Iterator[str]:
        yield from (f"{o.name}: {o.rounding}" for o in self.outputs if o.rounding)
        yield from self.notes

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        data = asdict(self)
        data.pop("hint")
        return {"verdict": self.verdict, "ok": self.ok, **data, "text": str(self)}


def counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
