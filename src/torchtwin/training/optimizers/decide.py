"""An optimizer's entry in a compile config → its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.training.entries import Entry, short
from torchtwin.training.optimizers.plan import OptimizerPlan, Scaling, Single
from torchtwin.training.optimizers.rules import RATES, RULES
from torchtwin.training.schedules import Schedule, schedule_of

WHAT = "the optimizer"
HARMLESS = ("name", "jit_compile", "is_legacy_optimizer")
CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")


def optimizer_of(entry: Any) -> OptimizerPlan:
    """Return the plan of an optimizer: "adam", or {"class_name", "config"} as Keras 3 writes it.

    Raises UnsupportedError that names what is not translated.
    """
    made = Entry.of(entry, WHAT)
    if (around := AROUND.get(made.class_name.lower())) is not None:
        return around(made)
    return OptimizerPlan(made.class_name, (_single(made),))


def is_known(class_name: str) -> bool:
    """Tell whether an optimizer of this class is translated."""
    return class_name.lower() in (*RULES, *AROUND)


def _single(made: Entry) -> Single:
    """Read one optimizer: its own arguments, then those that all have."""
    kind = made.class_name.lower()
    rule = RULES.get(kind)
    if rule is None:
        raise UnsupportedError(
            f"the optimizer {made.class_name} is not translated",
            hint="use one of keras.optimizers, or give --optimizer",
        )
    facts = {"decay": made.maybe("weight_decay"), **rule(made)}
    momentum, every = made.number("ema_momentum", 0.99), made.maybe("ema_overwrite_frequency")
    averages = (momentum, every) if made.flag("use_ema") else None
    rate = _rate(made, RATES.get(kind, 0.001))
    single = Single(
        name=facts["constructor"].function.__name__,
        rate=rate,
        clip=_clip(made),
        averages=averages,
        accumulation=made.maybe("gradient_accumulation_steps"),
        loss_scale=made.maybe("loss_scale_factor"),
        undecayed=tuple(made.take("exclude_from_weight_decay", None) or ()),
        differences=(
            *(rate.differences if isinstance(rate, Schedule) else ()),
            *(made.take("differences", None) or ()),
        ),
        **{**facts, "decay": facts["decay"] or None},
    )
    made.finish(HARMLESS)
    return single


def _rate(made: Entry, default: float) -> float | Schedule:
    rate = made.take("learning_rate", default)
    if isinstance(rate, Mapping):
        return schedule_of(rate)
    return short(float(made.number("learning_rate", default)))


def _clip(made: Entry) -> tuple[str, float] | None:
    """Return the kind of clipping: Keras takes one, and 0 for none."""
    given = {kind: made.maybe(kind) for kind in CLIPS}
    found = [(kind, float(limit)) for kind, limit in given.items() if limit is not None]
    if len(found) > 1:
        raise UnsupportedError(f"{' and '.join(k for k, _ in found)} together", where=WHAT)
    return found[0] if found and found[0][1] > 0 else None


def _scaled(made: Entry) -> OptimizerPlan:
    """Read a LossScaleOptimizer; it switches the inner optimizer's own scale off."""
    inner = dict(made.take("inner_optimizer"))
    inner["config"] = {**inner.get("config", {}), "loss_scale_factor": None}
    plan = optimizer_of(inner)
    if plan.scaling is not None or len(plan.singles) > 1:
        raise UnsupportedError(f"LossScaleOptimizer around {plan.name}", where=WHAT)
    scaling = Scaling(
        float(made.number("initial_scale", 2.0**15)), int(made.number("dynamic_growth_steps", 2000))
    )
    made.finish((*HARMLESS, "ema_momentum", "use_ema"))
    return OptimizerPlan(plan.name, plan.singles, scaling=scaling)


def _multi(made: Entry) -> OptimizerPlan:
    """Read a MultiOptimizer: its loss scale is that of all optimizers in it."""
    table = Entry.of(made.take("optimizer_map"), WHAT)
    scale = made.maybe("loss_scale_factor")
    made.finish(HARMLESS)
    patterns = dict(table.take("optimizer_map", None) or {})
    default = table.take("default_optimizer")
    table.finish()
    singles: list[Single] = []
    for inner in (*patterns.values(), default):
        entry = dict(inner)
        entry["config"] = {**entry.get("config", {}), "loss_scale_factor": scale}
        plan = optimizer_of(entry)
        if plan.scaling is not None or len(plan.singles) > 1:
            raise UnsupportedError(f"{inner['class_name']} inside a MultiOptimizer", where=WHAT)
        singles += plan.singles
    return OptimizerPlan("MultiOptimizer", tuple(singles), (*patterns, ""))


AROUND: dict[str, Callable[[Entry], OptimizerPlan]] = {
    "lossscaleoptimizer": _scaled,
    "multioptimizer": _multi,
}
"""Optimizers around others, by their class names in lower case."""
