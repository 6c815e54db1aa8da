"""Prints a training plan as the text of train.py."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torchtwin.emit.guard import defined, guarded
from torchtwin.emit.helpers import closure, own_of
from torchtwin.emit.parts import imports, text_of
from torchtwin.emit.recipe import recipe_of
from torchtwin.emit.source import docstring, formatted, shape_text
from torchtwin.emit.training import Recipe
from torchtwin.emit.weights import Tensor
from torchtwin.errors import TorchTwinError
from torchtwin.names import identifiers
from torchtwin.program import Argument
from torchtwin.training.optimizers import optimizer_state
from torchtwin.training.parts import command, processes, recipe
from torchtwin.understood import understood, untrained

if TYPE_CHECKING:
    from torchtwin.twin import Twin

HEADER = '''"""{title}

    python train.py --x {x} --y {y} --epochs 10
    torchrun --nproc-per-node 4 train.py --x {x} --y {y}

{shapes}

{differences}

Written by torchtwin: plain PyTorch, yours to change.
"""
'''
CONSTANTS = (
    "# Name, shape, axis of the channels where they are not last, whether the shape must fit."
)
MAIN = 'if __name__ == "__main__":\n    main()\n    end_processes()'
AROUND = """import math
import torch
import torch.nn.functional as F
import torchmetrics
from torch import nn

from model import ActivityPenalty, FrozenBatchNorm, load
"""
"""What expressions of rules use."""


SECTIONS = {
    "The loop": ("loop", "fit", "activity", "batch_norm"),
    "Data": ("data",),
    "Several processes and checkpoints": ("processes", "checkpoint", "optimizer_state"),
    "Callbacks": ("callbacks", "saving", "records"),
    "History and progress": ("history", "progress"),
    "The command line": ("command",),
}
"""The modules of `training.parts` behind what is written for the model, by heading."""

COMPILED = "What the losses, metrics and the optimizer are made of"


def with_training(twin: Twin) -> Twin:
    """Return a twin that has a plan with the text of train.py and the state of its optimizer.

    Raises UntrainedError for what cannot be translated.
    """
    assert twin.plan is not None
    state: tuple[Tensor, ...] = ()
    lost: tuple[str, ...] = ()
    try:
        with understood("it"):
            state = tuple(optimizer_state(twin.plan.optimizer, twin))
    except TorchTwinError as error:
        lost = (f"The optimizer's state in the file is not carried over: {error.problem}.",)
    plan = dataclasses.replace(twin.plan, differences=(*twin.plan.differences, *lost))
    twin = dataclasses.replace(twin, plan=plan, optimizer=state)
    with untrained():
        made = recipe_of(plan, twin)
        plan = dataclasses.replace(plan, differences=made.differences)
        return dataclasses.replace(twin, plan=plan, train=emit_train(made))


def emit_train(made: Recipe) -> str:
    """Return the text of train.py, formatted."""
    own = [name for name in vars(recipe) if not name.startswith("_")]
    given = {*own, "load", "ActivityPenalty", "FrozenBatchNorm"}
    parts = closure(
        [*made.parts, command.main, processes.end_processes],
        given,
        lambda p: text_of(p, made.features),
    )
    first = [p for p in parts if not any(_home(p) in m for m in SECTIONS.values())]
    constants = "\n".join([CONSTANTS, *made.constants])
    sections = {"": [constants, *made.functions], COMPILED: _texts(first, made)}
    for title, modules in SECTIONS.items():
        mine = [p for p in parts if _home(p) in modules]
        mine.sort(key=lambda p: (modules.index(_home(p)), inspect.getsourcelines(p)[1]))
        sections[title] = _texts(mine, made)
    texts = [_section(title, found) for title, found in sections.items() if found]
    body = "\n\n\n".join([*texts, MAIN])
    head = imports(body, parts, [AROUND])
    text = formatted(f"{_header(made)}\n{head}\n\n{body}\n")
    authors = any(own_of(part) for part in parts)
    written = defined("\n".join([*made.constants, *made.functions]))
    return guarded(text, written, [part.__name__ for part in parts], own=authors)


def _home(part: Any) -> str:
    return str(part.__module__.rpartition(".")[2])


def _texts(parts: Sequence[Any], made: Recipe) -> list[str]:
    return [text_of(part, made.features) for part in parts]


def _section(title: str, texts: Sequence[str]) -> str:
    rule = f"# {title} ".ljust(79, "-") + "\n\n\n" if title else ""
    return rule + "\n\n\n".join(text.strip() for text in texts)


def _header(made: Recipe) -> str:
    """Return the docstring of train.py: names from the file can hold anything."""
    targets = [(docstring(name, 60), shape) for name, shape in made.targets]
    rows = [*((a.name, _shape(a)) for a in made.inputs), *targets]
    width = max(len(name) for name, _ in rows)
    return HEADER.format(
        title=textwrap.fill(docstring(made.title, 600), 96),
        x=" ".join(f"{a.name}.npy" for a in made.inputs),
        y=" ".join(f"{name}.npy" for name in identifiers(name for name, _ in targets).values()),
        shapes="\n".join(f"    {name:{width}}  {shape}" for name, shape in rows),
        differences=_differences([docstring(d, 1000) for d in made.differences]),
    )


def _shape(argument: Argument) -> str:
    return f"{shape_text(argument.shape)} {argument.dtype}"


def _differences(found: Sequence[str]) -> str:
    """Return the sentences on what differs from Keras, as a list."""
    if not found:
        return "It follows Keras in every step; only rounding differs."
    wrapped = [textwrap.fill(d, 96, initial_indent="- ", subsequent_indent="  ") for d in found]
    return "\n".join(["What differs from Keras:", "", *wrapped])
