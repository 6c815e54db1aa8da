"""keras.optimizers: an optimizer that gets its parameters later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.training.optimizers import optimizer_of
from torchtwin.training.optimizers.rules import RATES, RULES
from torchtwin.training.parsing import bound, signatures
from torchtwin.training.parts import optimizer_steps as steps
from torchtwin.training.schedules import schedule_of
from torchtwin.translate.calls import CallView
from torchtwin.translate.parts import schedules
from torchtwin.translate.parts.optimizer import Optimizer, clip_values
from torchtwin.translate.registry import translates

SCHEDULES = {
    cls.__name__: cls
    for cls in (
        schedules.ExponentialDecay, schedules.InverseTimeDecay, schedules.PiecewiseConstantDecay,
        schedules.PolynomialDecay, schedules.CosineDecay, schedules.CosineDecayRestarts,
    )
}  # fmt: skip
CLIPS = {"clipnorm": steps.clip_each_norm, "global_clipnorm": steps.clip_global_norm}
OLD = {"lr": "learning_rate", "beta1": "beta_1", "beta2": "beta_2"}
NAMES = [name for name in signatures()["optimizers"] if name.lower() in RULES]


class Unknown(float):
    """A number that only the program knows, while rules decide: it is there when they are done."""

    source: Expr

    @classmethod
    def of(cls, source: Expr) -> Unknown:
        made = cls(0.5)
        made.source = source
        return made


@translates(*(f"keras.optimizers.{name}" for name in NAMES))
def optimizer(made: CallView) -> Expr:
    name = made.name.rpartition(".")[2]
    named = [(OLD.get(k, k), v) for k, v in made.kwargs.items() if k != "decay"]
    config = bound(name, made.args, named, "optimizers")
    if made.kwargs.get("decay"):
        if "lr" not in made.kwargs:
            raise UnsupportedError(
                f"{name}(decay=...) means nothing in Keras 3, and a decay of the rate in Keras 2",
                hint="give it InverseTimeDecay(rate, 1, decay), or leave it out",
            )
        rate = config.get("learning_rate", RATES.get(name.lower(), 0.001))
        decayed = call(schedules.InverseTimeDecay, rate, 1, made.kwargs["decay"])
        config["learning_rate"] = decayed
    return optimizer_expr(name, config)


def optimizer_expr(name: str, config: Mapping[str, Any]) -> Expr:
    """Return the constructor of an optimizer; `config` has Keras's arguments.

    A number that is an expression of the program stays that.
    """
    given = {k: Unknown.of(v) if isinstance(v, Expr) else v for k, v in config.items()}
    rate = rate_expr(config.get("learning_rate", RATES.get(name.lower(), 0.001)))
    given.pop("learning_rate", None)
    given.pop("name", None)
    plan = optimizer_of({"class_name": name, "config": given})
    single = plan.singles[0]
    if single.layout in ("matrix", "muon"):
        raise UnsupportedError(f"the optimizer {name} is not translated in programs")
    options: dict[str, Any] = dict(single.constructor.kwargs)
    options.pop("lr")
    if single.clip is not None:
        kind, limit = single.clip
        function = CLIPS.get(kind, clip_values)
        options["clip"] = (function, given[kind] if isinstance(given[kind], Unknown) else limit)
    if single.decay and not single.own_decay:
        options["decay"] = single.decay
    for key in ("averages", "accumulation", "loss_scale"):
        if getattr(single, key) is not None:
            options[key] = getattr(single, key)
    used = [id(v) for v in _leaves(options)]
    lost = [k for k, v in given.items() if isinstance(v, Unknown) and id(v) not in used]
    if lost:
        raise UnsupportedError(f"{name}({', '.join(lost)}=...) must be a number written out")
    return call(Optimizer, single.constructor.function, rate, **_known(options))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, tuple | list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _known(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(_known(v) for v in value)
    return value.source if isinstance(value, Unknown) else value


def rate_expr(rate: Any) -> Any:
    """Return a learning rate: a number, an expression of the program, or a schedule."""
    if isinstance(rate, Mapping):
        return schedule_expr(str(rate.get("class_name")), (), dict(rate["config"]))
    return rate


@translates(*(f"keras.optimizers.schedules.{name}" for name in SCHEDULES))
def schedule(made: CallView) -> Expr:
    return schedule_expr(made.name.rpartition(".")[2], made.args, dict(made.kwargs))


def schedule_expr(name: str, args: Any, kwargs: dict[str, Any]) -> Expr:
    """Return the constructor of a schedule, with the arguments in their order."""
    kwargs.pop("name", None)
    config = bound(name, args, list(kwargs.items()), "optimizers")
    if not any(isinstance(leaf, Expr) for leaf in _leaves(config)):
        schedule_of({"class_name": name, "config": config})  # refuses what Keras refuses
    return Call(SCHEDULES[name], tuple(args), kwargs)


def of_string(name: str) -> Expr:
    """Return the optimizer that Keras knows by a string."""
    known = {n.lower(): n for n in NAMES}
    if name.lower() not in known:
        raise UnsupportedError(f"the optimizer {name!r} is not translated")
    return optimizer_expr(known[name.lower()], {})
