"""What `convert` returns: the source, its weights, and the module that they make."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchtwin.emit.weights import Progress, Tensor
from torchtwin.graph import Graph
from torchtwin.program import Class
from torchtwin.source import Source
from torchtwin.weights import Parameter

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Twin:
    """The PyTorch twin of a Keras model.

    `source` is the text of model.py; `module` is that text, executed and loaded: an `nn.Module`
    in eval mode. `program`, `graph`, `keras` and `parameters` tell where every line and every
    number comes from. `layout` is "torch" or "keras", see `convert`.
    """

    source: str
    program: Class = field(repr=False)
    graph: Graph = field(repr=False)
    keras: Source = field(repr=False)
    parameters: tuple[Parameter, ...] = field(repr=False)
    layout: str

    @functools.cached_property
    def module(self) -> nn.Module:
        """The twin as a live module, weights loaded, in eval mode."""
        import torch

        namespace = executed(self.source)
        module: nn.Module = namespace[_class_name(self.source)]()
        state = {}
        for tensor in self.tensors():
            array = tensor.read()
            bits = torch.from_numpy(array.copy())
            state[tensor.name] = bits.view(torch.bfloat16) if tensor.dtype == "bfloat16" else bits
        module.load_state_dict(state)
        return module.eval()

    def tensors(self) -> Iterator[Tensor]:
        """Yield what model.safetensors holds, each tensor read when it is asked for."""
        for p in self.parameters:
            yield Tensor(p.name, p.shape, p.dtype, p.read)

    def save(
        self, folder: str | Path, *, force: bool = True, progress: Progress | None = None
    ) -> Path:
        """Write model.py and model.safetensors to `folder`, all or nothing; return the folder.

        What is not torchtwin's in the folder stays. With `force=False` an earlier twin there is
        not replaced. `progress` is called with the bytes written and their total, as it goes on.
        Raises OutputError when it cannot be written.
        """
        from torchtwin.emit.folder import write_folder

        return write_folder(self, Path(folder), force=force, progress=progress)


def executed(source: str, path: str = "model.py") -> dict[str, Any]:
    """Return the namespace of the emitted source, executed as a module of its own."""
    module = types.ModuleType("torchtwin_twin")
    module.__file__ = path
    sys.modules[module.__name__] = module  # where inspect and torch.export look for its source
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def _class_name(source: str) -> str:
    """Return the class that `load` makes."""
    return source.rpartition("    model = ")[2].partition("(")[0]
