"""The twin under test: a program as it is on disk, or in memory, executed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from torchtwin.errors import UnreadableModel
from torchtwin.program import Argument
from torchtwin.twin import Twin, executed
from torchtwin.weights import Parameter


@dataclass(frozen=True)
class Subject:
    """A twin that can be run: the text of its program, its module and its weights' names.

    `problem` says why there is no module: the program does not load. `train` is the text of
    train.py, where there is one. `computed` are parameters whose numbers were computed from those
    in the file, and rounded.
    """

    source: str
    module: nn.Module | None
    path: Path | None = None
    problem: str = ""
    train: str | None = None
    computed: tuple[Parameter, ...] = ()

    def precise(self) -> nn.Module:
        """Return a copy of the module in float64.

        What was computed is there as it was before it was rounded, if its rounding is what the
        module holds.
        """
        assert self.module is not None
        module = copy.deepcopy(self.module).double()
        state = module.state_dict()
        for parameter in self.computed:
            exact = parameter.exact()
            held = state.get(parameter.name)
            if exact is None or held is None or tuple(held.shape) != exact.shape:
                continue
            if np.array_equal(held.numpy(), exact.astype(parameter.dtype)):
                held.copy_(torch.from_numpy(np.array(exact)))
        return module

    def stored(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield the weights by name, one at a time where they come from a file."""
        if self.path is None:
            assert self.module is not None
            yield from self.module.state_dict().items()
            return
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path / "model.safetensors", framework="pt") as file:
                names = list(file.keys())
                for name in names:
                    yield name, file.get_tensor(name)
        except (OSError, SafetensorError) as error:
            raise UnreadableModel(f"the twin's weights cannot be read: {error}") from None


def subject_of(twin: Twin | str | Path) -> Subject:
    """Return the subject in a folder, or of a Twin, whose live module is left as it is."""
    if isinstance(twin, Twin):
        return Subject(twin.source, copy.deepcopy(twin.module).eval(), train=twin.train)
    folder = Path(twin)
    program = folder / "model.py"
    for file in (program, folder / "model.safetensors"):
        if not file.is_file():
            raise UnreadableModel(
                f"there is no {file.name} in the folder",
                where=str(folder),
                hint="write it with: torchtwin convert MODEL -o DIR",
            )
    source = program.read_text(encoding="utf-8")
    training = folder / "train.py"
    train = training.read_text(encoding="utf-8") if training.is_file() else None
    try:
        module = executed(source, str(program))["load"](folder / "model.safetensors").eval()
    except Exception as error:  # whatever the user's file does
        text = " ".join(str(error).split())[:300]
        return Subject(source, None, folder, f"model.py does not load: {text}")
    return Subject(source, module, folder, train=train)


def physical(array: np.ndarray, argument: Argument, precision: str) -> torch.Tensor:
    """Return an input as the twin takes it: its dtype, in this precision, and its layout."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if tensor.is_floating_point():
        tensor = tensor.to(torch.float64 if precision == "float64" else _dtype(argument.dtype))
    return tensor.permute(argument.layout) if argument.layout else tensor


def _dtype(name: str) -> torch.dtype:
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def run(
    module: nn.Module, inputs: Sequence[np.ndarray], arguments: Sequence[Argument], precision: str
) -> list[torch.Tensor]:
    """Return the twin's outputs as a flat list. Raises what the program raises."""
    given = [physical(x, a, precision) for x, a in zip(inputs, arguments, strict=True)]
    with torch.no_grad():
        return list(flat(module(*given)))


def flat(result: Any) -> Iterator[torch.Tensor]:
    if isinstance(result, Mapping):
        for key in sorted(result):
            yield from flat(result[key])
    elif isinstance(result, list | tuple):
        for item in result:
            yield from flat(item)
    else:
        yield result


def to_keras(tensor: torch.Tensor, layout: tuple[int, ...] | None) -> np.ndarray:
    """Return a result in Keras's order of axes."""
    if layout is not None and tensor.dim() == len(layout):
        tensor = tensor.permute(tuple(np.argsort(layout).tolist()))
    tensor = tensor.detach()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    return np.asarray(tensor.numpy())
