"""Writes `make_optimizer`, `learning_rate` and `update` for train.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torchtwin.emit.expressions import Printer, is_helper
from torchtwin.errors import UnsupportedError
from torchtwin.training.optimizers.groups import Special, special_groups
from torchtwin.training.optimizers.plan import OptimizerPlan, Single
from torchtwin.training.optimizers.variables import Trained
from torchtwin.training.parts import optimizer_base as base
from torchtwin.training.parts import optimizer_steps as steps
from torchtwin.training.variables import Written

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
CLIPS = {
    "clipnorm": "clip_each_norm({name}, {limit})",
    "global_clipnorm": "clip_global_norm({name}, {limit})",
    "clipvalue": "nn.utils.clip_grad_value_(parameters_of({name}), {limit})",
}


def optimizer_code(
    plan: OptimizerPlan, variables: Sequence[Trained], last: Sequence[str] = ()
) -> Written:
    """Return `learning_rate(step)`, `make_optimizer(module)` and `update(loss, module, ...)`.

    `variables` are those of `trained_variables`; `last` are lines that end `update`.
    """
    chosen = shares(plan, variables)
    used = [(single, mine) for single, mine in zip(plan.singles, chosen, strict=True) if mine]
    if not used:
        raise UnsupportedError("the model has nothing to train", where="the optimizer")
    singles = [single for single, _ in used]
    texts = [*_rates(singles), _make(plan, used), _update(plan, singles, last)]
    text = "\n\n".join(texts)
    return Written(text, tuple(_parts(text, singles)))


def shares(plan: OptimizerPlan, variables: Sequence[Trained]) -> list[list[Trained]]:
    """Return the variables of each of the plan's optimizers."""
    if len(plan.singles) == 1:
        return [list(variables)]
    found: list[list[Trained]] = [[] for _ in plan.singles]
    for variable in variables:
        fits = [k for k, p in enumerate(plan.patterns) if p and variable.matches(p, whole=True)]
        if len(fits) > 1:
            raise UnsupportedError("two optimizers for one variable", where=variable.layer)
        found[fits[0] if fits else plan.patterns.index("")].append(variable)
    return found


def _rate_name(singles: Sequence[Single], k: int) -> str:
    return "learning_rate" if len(singles) == 1 else f"learning_rate_{ORDINALS[k]}"


def _rates(singles: Sequence[Single]) -> Iterator[str]:
    for k, single in enumerate(singles):
        if not isinstance(single.rate, float):
            yield single.rate.function(_rate_name(singles, k))


def _constructor(single: Single, parameters: str, rate: str) -> str:
    names = {"parameters": parameters, "rate": rate}
    return Printer(lambda v: names[v], lambda c: c.name, lambda _: "")(single.constructor)


def _make(plan: OptimizerPlan, used: Sequence[tuple[Single, list[Trained]]]) -> str:
    """Return the source of `make_optimizer`."""
    singles = [single for single, _ in used]
    each = []
    for k, (single, mine) in enumerate(used):
        special = special_groups(single, mine)
        names = None if len(used) == 1 else [name for v in mine for name in v.names]
        rate = single.rate if isinstance(single.rate, float) else f"{_rate_name(singles, k)}(0)"
        each.append(_constructor(single, _groups(special, names), str(rate)))
    made = each[0] if len(used) == 1 else f"Several({', '.join(each)})"
    more = list(_extra_state(plan, used))
    lines = [f"optimizer = {made}", *more, "return optimizer"] if more else [f"return {made}"]
    body = "\n".join(f"    {line}" for line in lines)
    doc = f'    """Return the optimizer of the parameters that are trained: {plan.name}."""'
    return f"def make_optimizer(module):\n{doc}\n{body}\n"


def _groups(special: Sequence[Special], names: list[str] | None) -> str:
    if not special and names is None:
        return "trained(module)"
    inside = [f"({list(chosen)!r}, {options!r})" for chosen, options in special]
    listed = f"[{', '.join(inside)}]"
    return f"grouped(module, {listed}{'' if names is None else f', {names!r}'})"


def _extra_state(
    plan: OptimizerPlan, used: Sequence[tuple[Single, list[Trained]]]
) -> Iterator[str]:
    """Yield the lines that add what torch's optimizer does not keep itself."""
    for k, (single, _) in enumerate(used):
        slots = [*["average"] * bool(single.averages), *["accumulated"] * bool(single.accumulation)]
        if slots:
            numbers = [f"{name}={value}" for name, value in single.numbers.items()]
            listed = [*map(repr, (*single.lazy, *slots)), *numbers]
            owner = "optimizer" if len(used) == 1 else f"optimizer.parts()[{k}]"
            yield f"add_state({owner}, {', '.join(listed)})"
    if plan.scaling is not None:
        start = f"loss_scale={plan.scaling.initial}, finite_steps=0, skipped=0"
        yield f"optimizer.param_groups[0].update({start})"


def _update(plan: OptimizerPlan, singles: Sequence[Single], last: Sequence[str]) -> str:
    """Return the source of `update`."""
    lines = ["optimizer.zero_grad()"]
    scale = singles[0].loss_scale
    if plan.scaling is not None:
        lines += ["scale_loss(loss, optimizer).backward()"]
        lines += [f"if not unscale(optimizer, growth_steps={plan.scaling.growth_steps}):"]
        lines += ["    return"]
        if any(s.scheduled or s.averages or s.accumulation for s in singles):
            lines += ['step -= optimizer.param_groups[0]["skipped"]']
    elif scale:
        lines += [f"(loss * {scale}).backward()", f"divide_gradients(optimizer, {scale})"]
    else:
        lines += ["loss.backward()"]
    if len(singles) == 1:
        lines += _step(singles[0], "optimizer", "learning_rate")
    else:
        names = ORDINALS[: len(singles)]
        lines += [f"{', '.join(names)} = optimizer.parts()"]
        for k, (single, name) in enumerate(zip(singles, names, strict=True)):
            lines += _step(single, name, _rate_name(singles, k))
    body = "\n".join(f"    {line}" for line in (*lines, *last))
    doc = '    """Do one step of training; `step` counts them from 0."""'
    return f"def update(loss, module, optimizer, step):\n{doc}\n{body}\n"


def _step(single: Single, name: str, rate: str) -> list[str]:
    """Return what one optimizer does, in the order of keras/src/optimizers/base_optimizer.py."""
    lines = []
    if single.clip is not None:
        lines.append(CLIPS[single.clip[0]].format(name=name, limit=single.clip[1]))
    if single.scheduled:
        lines.append(f"set_learning_rate({name}, {rate}(step))")
    if (single.decay or single.adam_decay) and not single.own_decay:
        lines.append(f"decay_weights({name}, {single.decay or 0.0})")
    lines.append(f"{name}.step()")
    count = "step"
    if single.accumulation:
        lines = [
            f"if accumulated({name}, {single.accumulation}, step):",
            *(f"    {line}" for line in lines),
        ]
        count = f"step // {single.accumulation}"
    if single.averages is not None:
        momentum, every = single.averages
        lines.append(f"update_averages({name}, {momentum}, first={count} == 0)")
        if every:
            lines += [f"if ({count} + 1) % {every} == 0:", f"    use_averages({name})"]
    return lines


def _parts(text: str, singles: Sequence[Single]) -> Iterator[Any]:
    """Yield the parts that the text mentions."""
    for single in singles:
        if is_helper(single.constructor.function):
            yield single.constructor.function
    for module in (base, steps):
        for name, part in vars(module).items():
            if is_helper(part) and part.__module__ == module.__name__ and f"{name}(" in text:
                yield part
