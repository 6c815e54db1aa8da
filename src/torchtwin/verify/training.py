"""Trains the twin on the batches on which the judge trained the Keras model."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from torchtwin.errors import TorchTwinError
from torchtwin.training.optimizers import is_old_optimizer
from torchtwin.training.requested import requested
from torchtwin.twin import Twin, imported
from torchtwin.verify.subject import Subject, physical
from torchtwin.verify.targets import Batch, make_batches

STEPS, SIZE, SMALLER = 5, 8, 4
LARGE, LARGEST = 5_000_000, 50_000_000
"""Numbers of weights from which on batches are smaller, and from which on nothing is trained."""

SECONDS = 20
"""How long a judge may train in each precision; what it did until then is compared."""

CHANCE = ("p", "std", "dropout", "recurrent_dropout")
"""Attributes of modules that let chance in."""

FOREIGN = {"epsilon_outside", "schedule_decay"}
"""Arguments of old optimizers that Keras 3 does not have."""


@dataclass(frozen=True)
class Judged:
    """What Keras made of its model: for each precision a loss for each step, and its figures.

    `arrays` holds `<precision>/before/<layer>/<k>`, the same with `after`, and with `gradients`,
    those of the first step. `order` has each layer's number of weights, in Keras's order.
    """

    losses: Mapping[str, Sequence[float]] = field(default_factory=dict)
    figures: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    problem: str = ""


class Lesson:
    """What both sides are trained on, and what the judge is asked; `problem` tells why nothing."""

    def __init__(self, twin: Twin, train: str, seed: int) -> None:
        self.twin = twin
        self.compiled = requested(twin.keras.compile, twin.keras.version, twin.asked) or {}
        self.batches: list[Batch] = []
        self.seed = seed
        self.problem = self._prepared(train)

    def _prepared(self, train: str) -> str:
        if self.twin.plan is None or self.twin.train is None:
            return str((self.twin.untrained and self.twin.untrained.problem) or UNKNOWN)
        mine, wanted = (
            text.partition("\n")[0].rpartition(": ")[2] for text in (train, self.twin.train)
        )
        if mine != wanted:
            return OTHER.format(mine.rstrip("."), wanted.rstrip("."))
        if self._weights() > LARGEST:
            return f"the model has {self._weights():,} weights, and a step would take long"
        try:
            self._make_batches("")
        except (TorchTwinError, ValueError) as error:
            return f"no targets can be made: {error}"
        return ""

    def _weights(self) -> int:
        return sum(int(np.prod(p.shape)) for p in self.twin.parameters)

    def _make_batches(self, judge: str) -> None:
        """Make the batches for a judge: Keras on JAX clips probabilities, and for some losses all.

        They are the same for all judges but for that.
        """
        assert self.twin.plan is not None
        always = any(d.startswith("Keras clips") for d in self.twin.plan.differences)
        self.batches = make_batches(
            self.twin, self.compiled, STEPS, SIZE if self._weights() < LARGE else SMALLER,
            self.seed + 1, clipped=always or judge == "jax",
        )  # fmt: skip

    def request(self, judge: str, *, rebuilt: bool) -> dict[str, Any]:
        """Return how the judge shall compile: as the file tells it, if it is its `own`."""
        self._make_batches(judge)
        source = self.twin.keras
        entries = {k: v for k, v in self.compiled.items() if k != "callbacks"}  # they are fit's
        own = source.compile or {}
        old = "optimizer" not in self.twin.asked
        old = old and is_old_optimizer(own.get("optimizer"), source.version)
        plain = source.version[:1] not in ("1", "2") and not self.twin.asked and not rebuilt
        if judge == "tf_keras" and "optimizer" not in self.twin.asked:
            entries["optimizer"] = own.get("optimizer")
        reason = ""
        if old and judge != "tf_keras" and FOREIGN & set(_config(entries.get("optimizer"))):
            reason = "Keras 3 computes another optimizer than the Keras that wrote the file"
        if old and judge == "tf_keras" and "global_clipnorm" in _config(self.compiled["optimizer"]):
            reason = "no Keras that is here clips as the Keras that wrote the file"
        return {
            "steps": len(self.batches), "seconds": SECONDS, "old": old, "problem": reason,
            "own": plain and judge != "tf_keras", "compile": entries,
        }  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the batches by the names under which the judge reads them."""
        return {
            f"{step}/{side}/{k}": array
            for step, batch in enumerate(self.batches)
            for side, arrays in (("x", batch.inputs), ("y", batch.targets))
            for k, array in enumerate(arrays)
        }


UNKNOWN = "the file does not say how it is compiled (--optimizer and --loss tell it)"
OTHER = "train.py is for {}, the file for {} (--optimizer and --loss tell what was asked for)"


def _config(entry: Any) -> Mapping[str, Any]:
    config = entry.get("config") if isinstance(entry, Mapping) else None
    return config if isinstance(config, Mapping) else {}


@dataclass(frozen=True)
class Curve:
    """What training made of the twin: losses, figures of the metrics, and tensors by name.

    `gradients` are those of the first step; None for a parameter that is not trained.
    """

    losses: list[float]
    figures: list[dict[str, float]]
    gradients: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]


class Pupil:
    """A twin with its train.py, ready to be trained from the start, any number of times."""

    def __init__(self, subject: Subject, lesson: Lesson) -> None:
        assert subject.module is not None
        assert subject.train is not None
        self.subject, self.lesson = subject, lesson
        # What train.py takes from model.py must be of the classes that the module is made of.
        namespace = type(subject.module).forward.__globals__
        self.program = imported(subject.train, namespace, lambda: self._module("float32"))
        # Rounding to 8 or 11 bits is not compared: the judge's mixed policies are off, too.
        vars(self.program)["Autocast"] = lambda module, *_: module

    def _module(self, precision: str) -> nn.Module:
        assert self.subject.module is not None
        double = precision == "float64"
        module = self.subject.precise() if double else copy.deepcopy(self.subject.module)
        for part in module.modules():
            for name in CHANCE:
                if isinstance(getattr(part, name, None), float):
                    setattr(part, name, 0.0)
        return module

    def trains(self, precision: str, steps: int, nudge: float = 0.0) -> Curve:
        """Train a copy; `nudge` is how far everything is off, see `nudged`."""
        run = self.program.Run(nudged(self._module(precision), nudge))
        losses, figures = [], []
        for batch, samples in self._batches(precision, steps):
            run.figures.reset()
            run.train_batch(batch, samples)
            losses.append(run.figures.sums["loss"].item() / samples)
            figures.append(run.figures.compute())
        weights = {k: v.detach().numpy().copy() for k, v in run.module.state_dict().items()}
        return Curve(losses, figures, self._gradients(precision, nudge), weights)

    def by_chance(self) -> bool:
        """Tell whether the loss depends on what is drawn, though all dropout is off."""
        found = []
        batch, samples = next(self._batches("float32", 1))
        for seed in (1, 2):
            run = self.program.Run(self._module("float32"))
            run.forward.train()
            torch.manual_seed(seed)
            found.append(run.loss(batch, samples)[0].item())
        return not np.isclose(found[0], found[1], rtol=1e-4, equal_nan=True)

    def _gradients(self, precision: str, nudge: float) -> dict[str, np.ndarray]:
        run = self.program.Run(nudged(self._module(precision), nudge))
        run.forward.train()
        loss, *_ = run.loss(*next(self._batches(precision, 1)))
        named = {n: p for n, p in run.module.named_parameters() if p.requires_grad}
        found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
        pairs = zip(named.items(), found, strict=True)
        return {n: (torch.zeros_like(p) if g is None else g).numpy() for (n, p), g in pairs}

    def _batches(self, precision: str, steps: int) -> Iterator[tuple[Any, int]]:
        program, plan = self.lesson.twin.program, self.lesson.twin.plan
        assert plan is not None
        for batch in self.lesson.batches[:steps]:
            rows = zip(batch.inputs, program.inputs, strict=True)
            inputs = tuple(physical(x, argument, precision) for x, argument in rows)
            targets = tuple(
                _lying(batch.targets[t.index], program.outputs[t.index], precision)
                for t in plan.targets
            )
            yield (inputs, targets, ()), len(batch.inputs[0])


def _lying(array: np.ndarray, argument: Any, precision: str) -> torch.Tensor:
    """Return a target as the output lies that it belongs to; class numbers have no channels."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if tensor.is_floating_point() and precision == "float64":
        tensor = tensor.double()
    layout = argument.layout
    return tensor.permute(layout) if layout and tensor.dim() == len(layout) else tensor


def nudged(module: nn.Module, share: float) -> nn.Module:
    """Change every weight by a share of it, and every gradient by one of its largest number."""
    if not share:
        return module
    generator = torch.Generator().manual_seed(0)

    def signs(x: torch.Tensor) -> torch.Tensor:
        return (torch.randint(0, 2, x.shape, generator=generator) * 2 - 1).to(x.dtype)

    for weight in module.parameters():
        with torch.no_grad():
            weight.mul_(1 + share * signs(weight))
        if weight.requires_grad:
            hook: Any = weight.register_hook  # without types in torch
            hook(lambda g: g + share * g.abs().max() * signs(g))
    return module
