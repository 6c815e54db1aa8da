"""Learning rate schedules, as plain functions of the step.

Each is printed from the formula in keras/src/optimizers/schedules/learning_rate_schedule.py.
Keras computes them in float32 where that is its float type; train.py in Python's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.training.entries import Entry, short


@dataclass(frozen=True)
class Schedule:
    """A learning rate that depends on the step: what it is, and the lines of its function."""

    title: str
    lines: tuple[str, ...]
    differences: tuple[str, ...] = ()

    def function(self, name: str = "learning_rate") -> str:
        """Return the source of the function."""
        body = "\n".join(f"    {line}" for line in self.lines)
        doc = f'    """Return the learning rate of a step, counted from 0: {self.title}."""'
        return f"def {name}(step):\n{doc}\n{body}\n"


def schedule_of(entry: Mapping[str, Any]) -> Schedule:
    """Return the schedule of a serialised `LearningRateSchedule`."""
    made = Entry.of(entry, "the learning rate")
    rule = RULES.get(made.class_name)
    if rule is None:
        raise UnsupportedError(
            f"the learning rate schedule {made.class_name} is not translated",
            hint="use a schedule of keras.optimizers.schedules, or a number",
        )
    schedule = rule(made)
    made.finish(ignored=("name",))
    return schedule


def _first(made: Entry) -> float:
    """Return the initial learning rate. Keras computes in whole numbers from a whole one."""
    value = made.take("initial_learning_rate")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnsupportedError(f"initial_learning_rate={value!r} in {made.class_name}")
    if isinstance(value, int):
        raise UnsupportedError(
            f"initial_learning_rate={value} in {made.class_name}: Keras rounds a schedule that "
            "starts from a whole number to whole numbers",
            hint=f"give it as {float(value)} in Keras",
        )
    return short(value)


def _part(made: Entry) -> str:
    """Return the fraction of a decay that is over, or its whole number for a staircase."""
    steps = made.number("decay_steps")
    return f"step // {steps}" if made.flag("staircase") else f"step / {steps}"


def _exponential(made: Entry) -> Schedule:
    first, part, rate = _first(made), _part(made), made.number("decay_rate")
    return Schedule("exponential decay", (f"return {first} * {rate} ** ({part})",))


def _inverse_time(made: Entry) -> Schedule:
    first, part, rate = _first(made), _part(made), made.number("decay_rate")
    return Schedule("inverse time decay", (f"return {first} / (1 + {rate} * ({part}))",))


def _piecewise(made: Entry) -> Schedule:
    """Keras casts the boundaries to the step's type: whole numbers."""
    bounds = [int(b) for b in made.numbers("boundaries")]
    values = [short(v) for v in made.numbers("values")]
    if len(values) != len(bounds) + 1 or not bounds or bounds != sorted(bounds):
        raise UnsupportedError(f"boundaries={bounds} with values={values} in {made.class_name}")
    lines = []
    for bound, value in zip(bounds, values, strict=False):
        lines += [f"if step <= {bound}:", f"    return {value}"]
    return Schedule("piecewise constant", (*lines, f"return {values[-1]}"))


def _polynomial(made: Entry) -> Schedule:
    first, steps = _first(made), made.number("decay_steps")
    last, power = short(made.number("end_learning_rate", 0.0001)), made.number("power", 1.0)
    if made.flag("cycle"):
        lines = (f"steps = {steps} * max(math.ceil(step / {steps}), 1)", "left = 1 - step / steps")
    else:
        lines = (f"left = 1 - min(step, {steps}) / {steps}", "")
    raised = "left" if power == 1 else f"left**{power}"
    formula = f"return ({first} - {last}) * {raised} + {last}"
    return Schedule("polynomial decay", (*filter(None, lines), formula))


def _cosine(made: Entry) -> Schedule:
    first, steps = _first(made), made.number("decay_steps")
    alpha = made.number("alpha", 0.0)
    target, warmup = made.take("warmup_target", None), made.number("warmup_steps", 0)
    lines: tuple[str, ...] = (f"done = min(step, {steps}) / {steps}",)
    title, top = "cosine decay", first
    if target is not None:
        title, top = "cosine decay after a warm-up", short(float(target))
        done = f"done = min(step - {warmup}, {steps}) / {steps}"
        rising = f"return {first} + ({top} - {first}) * step / {warmup}"
        lines = (f"if step < {warmup}:", f"    {rising}", done) if warmup else (done,)
    half = "0.5 * (1 + math.cos(math.pi * done))"
    formula = f"{top} * ({1 - alpha} * {half} + {alpha})" if alpha else f"{top} * {half}"
    return Schedule(title, (*lines, f"return {formula}"))


def _restarts(made: Entry) -> Schedule:
    """A restart is found by a logarithm; in float32 Keras may be one step late with it."""
    first, steps = _first(made), made.number("first_decay_steps")
    longer, lower = made.number("t_mul", 2.0), made.number("m_mul", 1.0)
    alpha = made.number("alpha", 0.0)
    lines: tuple[str, ...] = (f"done = step / {steps}",)
    if longer == 1:
        lines += ("restarts = math.floor(done)", "done -= restarts")
    else:
        lines += (
            f"restarts = math.floor(math.log(1 - done * (1 - {longer})) / math.log({longer}))",
            f"done -= (1 - {longer}**restarts) / (1 - {longer})",
            f"done /= {longer}**restarts",
        )
    half = "0.5 * (1 + math.cos(math.pi * done))"
    half = half if lower == 1 else f"{lower}**restarts * {half}"
    formula = f"{first} * ({1 - alpha} * {half} + {alpha})" if alpha else f"{first} * {half}"
    return Schedule(
        "cosine decay with restarts",
        (*lines, f"return {formula}"),
        ("Keras finds restarts in float32 and can be a step off where one begins.",)
        if longer != 1
        else (),
    )


RULES = {
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _restarts,
}
