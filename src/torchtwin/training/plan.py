"""The plan of a training: what each output is compared by, and how the weights are updated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call
from torchtwin.graph import Graph
from torchtwin.outputs import activations
from torchtwin.precision import mixed_precision
from torchtwin.program import Class
from torchtwin.training.callbacks import callbacks_of
from torchtwin.training.compiled import Wanted, by_output, identifier_of, unique_names
from torchtwin.training.losses import loss_of
from torchtwin.training.mode import check_mode
from torchtwin.training.optimizers import OptimizerPlan, optimizer_of
from torchtwin.training.pieces import Loss, Metric, Output
from torchtwin.training.precision import of_precision
from torchtwin.understood import untrained

EXTRA = ("/activity",)
"""What names of nodes that passes insert end in; the layer in front gives the output its name."""


ROWS = (
    "Keras 3 on TensorFlow squares the gradients of an Embedding's rows before it adds up those of "
    "the same row: one that a batch looks up n times goes up to sqrt(n) times as far, or less far "
    "where they cancel; here, as on JAX or PyTorch, they are added up before."
)


@dataclass(frozen=True)
class Target:
    """One output that is trained or measured, and what for.

    `index` is its place among the model's outputs, `mask` that of its mask among the masks.
    `alike` tells that what it is compared with has its shape: no class numbers, no sequences.
    """

    index: int
    output: Output
    loss: Loss | None
    weight: float
    metrics: tuple[tuple[str, Metric, bool], ...]
    mask: int | None = None
    alike: bool = True


@dataclass(frozen=True)
class Plan:
    """A training. `targets` are in the order of the model's outputs; a metric of a target is its
    name in the logs, itself, and whether sample weights count. `differences` are sentences,
    `precision` is the dtype of autocast, or ""."""

    outputs: tuple[Output, ...]
    targets: tuple[Target, ...]
    optimizer: OptimizerPlan
    callbacks: tuple[Call, ...] = ()
    differences: tuple[str, ...] = ()
    precision: str = ""

    @property
    def count(self) -> int:
        """The number of outputs; those of the program behind them are masks."""
        return len(self.outputs)

    @property
    def logits(self) -> tuple[int, ...]:
        """The outputs that a loss wants before their activation."""
        return tuple(t.index for t in self.targets if t.loss is not None and t.loss.logits)


@untrained()
def plan_of(compiled: Mapping[str, Any], graph: Graph, program: Class) -> Plan:
    """Return the plan of what `compile` was given.

    `program` has the masks of its outputs behind them. Raises UntrainedError for what is not
    translated.
    """
    count = len(graph.notes.get("masks", graph.outputs))
    outputs = outputs_of(graph, program, count)
    wanted = by_output(compiled, [o.name for o in outputs], graph.version)
    if not any(w.loss is not None for w in wanted):
        raise UnsupportedError("the model has no loss", hint="give one: --loss")
    if compiled.get("optimizer") is None:
        raise UnsupportedError("the model has no optimizer", hint="give one: --optimizer")
    masks = list(graph.outputs[count:])
    made = list(graph.notes.get("masks", ()))
    targets = [
        _target(k, outputs[k], w, masks.index(made[k]) if made and made[k] else None)
        for k, w in enumerate(wanted)
        if w.loss is not None or w.metrics or w.weighted
    ]
    check_mode(graph)
    precision = mixed_precision(graph)
    optimizer = optimizer_of(_scaled(compiled["optimizer"], precision))
    targets, metrics = _named(targets, wanted, several=len(outputs) > 1)
    callbacks = callbacks_of(
        compiled.get("callbacks") or (), metrics,
        scheduled=any(single.scheduled for single in optimizer.singles),
        averages=optimizer.averages,
    )  # fmt: skip
    told = [*_differences(targets, optimizer), *of_precision(precision)]
    differences = (*told, *[ROWS] * (optimizer.squares and _looks_up(graph)))
    return Plan(
        tuple(outputs), tuple(targets), optimizer, tuple(callbacks), differences, precision or ""
    )


def _scaled(optimizer: Any, precision: str | None) -> Any:
    """Return an optimizer's entry inside a LossScaleOptimizer where `compile` puts it into one.

    Models that compute in float16 want that (keras/src/trainers/trainer.py, `compile`); the file
    has the optimizer as it was given.
    """
    plain = isinstance(optimizer, str)
    entry: dict[str, Any] = {"class_name": optimizer, "config": {}} if plain else optimizer
    if precision != "float16" or entry["class_name"].lower() == "lossscaleoptimizer":
        return optimizer
    return {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": entry}}


def _looks_up(graph: Graph) -> bool:
    """Tell whether Keras 3 trains an Embedding in this model; Keras 2 adds up before."""
    return graph.version[:1] not in ("1", "2") and any(
        _looks_up(layer.graph) if layer.graph is not None
        else layer.class_name == "Embedding" and layer.trainable
        for layer in graph.layers.values()
    )  # fmt: skip


def outputs_of(graph: Graph, program: Class, count: int) -> list[Output]:
    """Return the model's outputs by the names that Keras knows them under."""
    found = activations(program, count)
    result = []
    for value, activation in zip(graph.outputs[:count], found, strict=True):
        name = value.rpartition("@")[0]
        for extra in EXTRA:
            name = name.partition(extra)[0]
        result.append(Output(name, graph.values[value].shape or (), activation))
    return result


def _target(index: int, output: Output, wanted: Wanted, mask: int | None) -> Target:
    loss = loss_of(wanted.loss, output)
    known = identifier_of(wanted.loss)
    given = [*((e, False) for e in wanted.metrics), *((e, True) for e in wanted.weighted)]
    metrics = [("", _metric(entry, output, known), weighted) for entry, weighted in given]
    weight = 1.0 if wanted.weight is None else wanted.weight
    alike = not re.search("sparse|ctc", str(known), re.IGNORECASE)
    return Target(index, output, loss, weight, tuple(metrics), mask, alike)


def _metric(entry: Any, output: Output, loss: Any) -> Metric:
    from torchtwin.training.metrics import metric_of  # torchmetrics takes seconds to import

    return metric_of(entry, output, loss)


def _named(
    targets: Sequence[Target], wanted: Sequence[Wanted], *, several: bool
) -> tuple[list[Target], dict[str, Any]]:
    """Give the metrics their names in Keras's logs, unique over all outputs.

    Return the targets, and the entry of each metric by its name.
    """
    order = [(k, j) for w in (False, True) for k, t in enumerate(targets)
             for j, m in enumerate(t.metrics) if m[2] is w]  # fmt: skip
    wished = [
        (targets[k].output.name if several else "", targets[k].metrics[j][1].name,
         targets[k].metrics[j][2]) for k, j in order
    ]  # fmt: skip
    names = dict(zip(order, unique_names(wished), strict=True))
    given = [(*wanted[t.index].metrics, *wanted[t.index].weighted) for t in targets]
    named = [
        replace(t, metrics=tuple((names[k, j], m, w) for j, (_, m, w) in enumerate(t.metrics)))
        for k, t in enumerate(targets)
    ]
    return named, {names[k, j]: given[k][j] for k, j in order}


def _differences(targets: Sequence[Target], optimizer: OptimizerPlan) -> list[str]:
    found = [d for t in targets if t.loss is not None for d in t.loss.differences]
    found += [d for t in targets for _, metric, _ in t.metrics for d in metric.differences]
    return list(dict.fromkeys([*found, *optimizer.differences]))
