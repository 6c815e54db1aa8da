"""The functions that train.py defines for its model, out of the plan."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torchtwin.emit.expressions import printed
from torchtwin.emit.helpers import mentioned
from torchtwin.expr import Call, Expr, Var
from torchtwin.names import identifiers
from torchtwin.outputs import FUNCTIONS
from torchtwin.program import Argument, Class
from torchtwin.training.parts.reduction import weighted_sum
from torchtwin.training.parts.tensors import keras_order, weight_of
from torchtwin.training.plan import Plan, Target


@dataclass(frozen=True)
class Recipe:
    """What train.py is written from: its own constants and functions, and the parts they need."""

    title: str
    inputs: tuple[Argument, ...]
    targets: tuple[tuple[str, str], ...]
    constants: tuple[str, ...]
    functions: tuple[str, ...]
    parts: tuple[Any, ...]
    features: frozenset[str]
    differences: tuple[str, ...] = ()


class Writer:
    """Writes the functions; collects the parts that they mention."""

    def __init__(self, plan: Plan, program: Class) -> None:
        self.plan, self.program = plan, program
        self.parts: list[Any] = []
        names = [o.name for o in plan.outputs]
        words = identifiers(
            [f"{name}#{k}" if name in names[:k] else name for k, name in enumerate(names)]
        )
        taken = {"outputs", "targets", "weights", "masks", "metrics", *dir(builtins)}
        self.identifiers = [f"{w}_" if w in taken else w for w in words.values()]

    def text(self, expr: Any, output: str, target: str) -> str:
        """Return an expression over OUTPUT and TARGET as source."""
        self.parts += mentioned(expr)
        return printed(expr, {"output": output, "target": target})

    def losses(self) -> str:
        trained = [t for t in self.plan.targets if t.loss is not None]
        lines = list(self._unpacking(trained))
        lines.append("return {")
        for target in trained:
            lines.append(f"    {target.output.name!r}: {self._sum(target)},")
        lines.append("}")
        doc = "Return the loss of each output: a sum over its samples, and what that is divided by."
        return function("losses(outputs, targets, weights, masks)", doc, lines)

    def _sum(self, target: Target) -> str:
        loss = target.loss
        assert loss is not None
        self.parts.append(weighted_sum)
        name, other = self._names(target)
        options = [self.text(loss.values, name, other), self._weight(target)]
        mask = self._mask(target)
        if loss.valid is not None:
            valid = self.text(loss.valid, name, other)
            mask = f"{mask} & {valid}" if mask else valid
        options += [f"mask={mask}"] if mask else []
        if loss.reduction != "sum_over_batch_size":
            options.append(f"reduction={loss.reduction!r}")
        return f"weighted_sum({', '.join(options)})"

    def _names(self, target: Target) -> tuple[str, str]:
        """Return what an output and its target are called inside the functions."""
        if len(self.plan.outputs) == 1:
            return "output", "target"
        name = self.identifiers[target.index]
        return name, f"{name}_target"

    def _weight(self, target: Target) -> str:
        self.parts.append(weight_of)
        return f"weight_of(weights, {self.plan.targets.index(target)})"

    def _mask(self, target: Target) -> str:
        return "" if target.mask is None else f"masks[{target.mask}]"

    def _unpacking(self, targets: Sequence[Target]) -> Iterator[str]:
        """Yield the lines that name outputs and targets, with their axes in Keras's order."""
        used = {t.index: self._names(t) for t in targets}
        outputs = [used[k][0] if k in used else "_" for k in range(len(self.plan.outputs))]
        others = [self._names(t)[1] if t.index in used else "_" for t in self.plan.targets]
        if len(outputs) == len(others) == 1:
            yield f"({outputs[0]},), ({others[0]},) = outputs, targets"
        else:
            yield f"{_listed(outputs)} = outputs"
            yield f"{_listed(others)} = targets"
        for index, (output, target) in used.items():
            channels = channels_of(self.program.outputs[index])
            if channels is not None:
                self.parts.append(keras_order)
                yield f"{output} = keras_order({output}, {channels})"
                yield f"{target} = keras_order({target}, {channels}, {output}.dim())"

    def predictions(self) -> str:
        """Apply the activations that the losses went behind; axes stay as they lie."""
        doc = "Return the outputs behind their activations, as the metrics take them."
        if not self.plan.logits:
            return function("predictions(outputs)", doc, ["return outputs"])
        parts = [
            self._activated(k, Var(f"outputs[{k}]")) if k in self.plan.logits else f"outputs[{k}]"
            for k in range(len(self.plan.outputs))
        ]
        return function("predictions(outputs)", doc, [f"return {_listed(parts)}"])

    def _activated(self, k: int, part: Expr) -> str:
        kind = self.plan.outputs[k].activation
        applied = next(f for f, name in FUNCTIONS.items() if name == kind)
        argument = self.program.outputs[k]
        rank = len(argument.shape)
        last = argument.layout.index(rank - 1) if argument.layout else -1
        options = {"dim": last} if kind == "softmax" else {}
        return printed(Call(applied, (part,), options))

    def metrics(self) -> Iterator[str]:
        made = [(name, m) for t in self.plan.targets for name, m, _ in t.metrics]
        doc = "Return the metrics by their names in Keras's logs."
        rows = [f"    {name!r}: {self.text(m.constructor, '', '')}," for name, m in made]
        yield function("make_metrics()", doc, ["return {", *rows, "}"] if rows else ["return {}"])
        doc = "Add a batch to the metrics; `outputs` are behind their activations."
        measured = [t for t in self.plan.targets if t.metrics]
        lines = list(self._unpacking(measured)) if measured else ["return"]
        for target in measured:
            output, other = self._names(target)
            mask = self._mask(target)
            for name, metric, weighted in target.metrics:
                options = [output, other, *([self._weight(target)] if weighted else [])]
                options += [f"mask={mask}"] if mask and metric.masked else []
                lines.append(f"metrics[{name!r}].update({', '.join(options)})")
        yield function("update_metrics(metrics, outputs, targets, weights, masks)", doc, lines)

    def constants(self) -> Iterator[str]:
        outputs = self.program.outputs
        inputs = [(a.name, a.shape[1:], channels_of(a), True) for a in self.program.inputs]
        targets = [
            (t.output.name, outputs[t.index].shape[1:], channels_of(outputs[t.index]), t.alike)
            for t in self.plan.targets
        ]
        yield f"INPUTS = {inputs!r}"
        yield f"TARGETS = {targets!r}"
        yield f"OUTPUTS = {[o.name for o in self.plan.outputs]!r}"
        weights = {t.output.name: t.weight for t in self.plan.targets if t.loss is not None}
        yield f"LOSS_WEIGHTS = {weights!r}"


def channels_of(argument: Argument) -> int | None:
    """Return where Keras's last axis lies, None where it is the last here too."""
    layout = argument.layout
    if layout is None or layout[-1] == len(layout) - 1:
        return None
    return layout.index(len(layout) - 1)


def function(head: str, doc: str, lines: Sequence[str]) -> str:
    return "\n".join([f"def {head}:", f'    """{doc}"""', *(f"    {line}" for line in lines)])


def _listed(parts: Sequence[str]) -> str:
    """Return a tuple as source."""
    return f"({parts[0]},)" if len(parts) == 1 else ", ".join(parts)
