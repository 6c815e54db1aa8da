"""Collects what train.py is written from: the plan, and what the layers say of their weights."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from torchtwin.emit.expressions import printed
from torchtwin.emit.helpers import mentioned
from torchtwin.emit.reset import resets_of
from torchtwin.emit.source import shape_text
from torchtwin.emit.training import Recipe, Writer, channels_of, function
from torchtwin.expr import Call, walk
from torchtwin.nn.activity import ActivityPenalty
from torchtwin.nn.masked import MaskedLSTM
from torchtwin.nn.normalization import FrozenBatchNorm
from torchtwin.nn.spectral import SpectralNorm
from torchtwin.program import Class
from torchtwin.training.added import added_by_own
from torchtwin.training.constraints import constrain_source
from torchtwin.training.optimizers import optimizer_code, trained_variables
from torchtwin.training.plan import Plan
from torchtwin.training.regularizers import penalty_source

if TYPE_CHECKING:
    from torchtwin.twin import Twin


def recipe_of(plan: Plan, twin: Twin) -> Recipe:
    """Return what train.py is written from.

    Raises UnsupportedError for what a layer says of its weights and that is not translated.
    """
    program = twin.program
    writer = Writer(plan, program)
    penalty, constrain = penalty_source(program), constrain_source(program)
    last = ("constrain(module)",) if constrain is not None else ()
    optimizer = optimizer_code(plan.optimizer, trained_variables(twin), last)
    written = [w for w in (penalty, constrain, optimizer) if w is not None]
    functions = [writer.losses(), writer.predictions(), *writer.metrics()]
    functions += [w.source for w in written]
    functions.append(_callbacks(plan))
    scratch = resets_of(program).reason
    features = frozenset(_features(plan, program, penalty is not None, resets=not scratch))
    features |= {"state" if twin.optimizer else "stateless"}
    parts = [*writer.parts, *(p for w in written for p in w.parts)]
    parts += [part for made in plan.callbacks for part in mentioned(made)]
    return Recipe(
        _title(plan), program.inputs, _targets(plan, program), tuple(writer.constants()),
        tuple(functions), tuple(parts), features,
        (*_differences(plan, features), *[scratch] * bool(scratch)),
    )  # fmt: skip


def _title(plan: Plan) -> str:
    losses = dict.fromkeys(t.loss.name for t in plan.targets if t.loss is not None)
    metrics = dict.fromkeys(name for t in plan.targets for name, _, _ in t.metrics)
    told = [plan.optimizer.name, *losses, *metrics]
    return f"Trains the module of model.py as Keras trains it: {', '.join(told)}."


def _targets(plan: Plan, program: Class) -> tuple[tuple[str, str], ...]:
    """Return the name of each target and what its file holds."""
    result = []
    for target in plan.targets:
        output = program.outputs[target.index]
        channels = channels_of(output) or len(output.shape) - 1
        numbers = (*output.shape[:channels], *output.shape[channels + 1 :])
        told = shape_text(output.shape) if target.alike else f"{shape_text(numbers)} class numbers"
        result.append((target.output.name, told))
    return tuple(result)


def _callbacks(plan: Plan) -> str:
    doc = "Return what acts between the batches and the epochs."
    listed = ", ".join(map(printed, plan.callbacks))
    return function("make_callbacks()", doc, [f"return [{listed}]"])


def _features(plan: Plan, program: Class, penalty: bool, *, resets: bool) -> Any:
    """Yield the names of the lines that train.py needs, see `parts.loop`."""
    yield "processes"
    yield program.further if program.logits is not None else "plain"
    yield "penalty" if penalty else "free"
    if penalty and added_by_own(program).losses:
        yield "added"
    if plan.precision:
        yield plan.precision
    if resets:
        yield "reset"
    trained = [t for t in plan.targets if t.loss is not None]
    if len(trained) > 1:
        yield "several"
    if plan.optimizer.averages:
        yield "averages"
    yield "used" if len(trained) == len(plan.outputs) else "unused"
    if any(len(a.shape) > 3 and a.layout is not None for a in (*program.inputs, *program.outputs)):
        yield "images"
    modules = [s.constructor for c in program.classes() for s in c.submodules]
    for node in (n for m in modules if not isinstance(m, Class) for n in walk(m)):
        kind = node.function if isinstance(node, Call) else None
        if kind in (nn.LSTM, MaskedLSTM) and plan.precision in ("float16", "bfloat16"):
            yield "lstm"
        if kind is nn.GroupNorm:
            yield "group_norm"
        if kind is ActivityPenalty:
            yield "activity"
        if re.search("Dropout|Noise", str(getattr(kind, "__name__", ""))) or (
            isinstance(node, Call) and any("dropout" in name for name in node.kwargs)
        ):
            yield "random"
        if kind is SpectralNorm:
            yield "spectral"
        if kind is FrozenBatchNorm:
            yield "frozen"
        elif isinstance(kind, type) and issubclass(kind, _BatchNorm):
            yield "batch_norm"


def _differences(plan: Plan, features: Collection[str]) -> tuple[str, ...]:
    masked = any(m.masked and t.mask is not None for t in plan.targets for _, m, _ in t.metrics)
    told = (
        "Keras on JAX leaves masks out of the metrics of training, not of validation; on TensorFlow"
        " it heeds them everywhere, as here.",
    )
    drawn = (
        "Dropout, noise and the like draw other numbers than in Keras: with them the two curves are"
        " as alike as those of two seeds.",
    )
    lower = (
        "On a CPU, where PyTorch has no LSTM in float16, it computes in bfloat16, and in float32"
        " where the CPU has no LSTM in that either.",
    )
    spectral = (
        "Keras on JAX forgets after each step by what a spectral norm divided the weight; on"
        " TensorFlow it keeps the divided weight, as here.",
    )
    return (
        plan.differences
        + told * masked
        + drawn * ("random" in features)
        + lower * ("lstm" in features)
        + spectral * ("spectral" in features)
    )
