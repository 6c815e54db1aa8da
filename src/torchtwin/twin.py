"""What `convert` returns: the source, its weights, and the module that they make."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchtwin.emit.weights import Progress, Tensor
from torchtwin.errors import UnsupportedError
from torchtwin.graph import Graph
from torchtwin.program import Class
from torchtwin.source import Source
from torchtwin.weights import Parameter

if TYPE_CHECKING:
    from torch import nn

    from torchtwin.training.plan import Plan


@dataclass(frozen=True)
class Twin:
    """The PyTorch twin of a Keras model.

    `source` is the text of model.py; `module` is that text, executed and loaded: an `nn.Module`
    in eval mode. `program`, `graph`, `keras` and `parameters` tell where every line and every
    number comes from. `layout` is "torch" or "keras", see `convert`. `train` is the text of
    train.py, None for a model without training, or for one whose training is not translated:
    `untrained` says why; `asked` is what `convert` was given instead of what the file says.
    `custom` is the source of the author's own classes. `inference` tells a twin for inference
    alone, see `optimize`. `optimizer` is the state of the
    optimizer in the file, for resuming.
    """

    source: str
    program: Class = field(repr=False)
    graph: Graph = field(repr=False)
    keras: Source = field(repr=False)
    parameters: tuple[Parameter, ...] = field(repr=False)
    layout: str
    plan: Plan | None = field(default=None, repr=False)
    train: str | None = field(default=None, repr=False)
    untrained: UnsupportedError | None = None
    asked: Mapping[str, Any] = field(default_factory=dict, repr=False)
    custom: Path | None = field(default=None, repr=False)
    optimizer: tuple[Tensor, ...] = field(default=(), repr=False)
    inference: bool = False

    @functools.cached_property
    def module(self) -> nn.Module:
        """The twin as a live module, weights loaded, in eval mode."""
        module: nn.Module = self._namespace[_class_name(self.source)]()
        return self._loaded(module)

    @functools.cached_property
    def _namespace(self) -> dict[str, Any]:
        """What model.py defines; `training` finds the module's layers by these very classes."""
        return executed(self.source)

    def _loaded(self, module: nn.Module) -> nn.Module:
        import torch

        from torchtwin.emit.memory import channels_last

        state = {}
        for tensor in self.tensors():
            array = tensor.read()
            bits = torch.from_numpy(array.copy())
            state[tensor.name] = bits.view(torch.bfloat16) if tensor.dtype == "bfloat16" else bits
        module.load_state_dict(state)
        compiled = self.plan is not None
        if channels_last(self.program, inference=self.inference, compiled=compiled):  # as in `load`
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return module.requires_grad_(False).eval() if self.inference else module.eval()

    def optimize(self) -> Twin:
        """Return the twin for inference alone, without a training.

        BatchNormalization is part of the weights of the layer in front of it or behind it where
        that is exact, dropout and noise are left out, no parameter gets a gradient. Weights that
        change are computed in float64, and rounded once.
        """
        from torchtwin.inference import optimized

        return self if self.inference else optimized(self)

    def tensors(self) -> Iterator[Tensor]:
        """Yield what model.safetensors holds, each tensor read when it is asked for."""
        for p in self.parameters:
            yield Tensor(p.name, p.shape, p.dtype, p.read)

    @functools.cached_property
    def training(self) -> types.ModuleType:
        """What train.py defines, as a live module: `make_optimizer(module)`, `make_metrics()`,
        `update`, `Run`, `fit`, ...; `load()` returns a new module with the weights, and
        `loss(module, inputs, targets)` the loss of a batch, for a loop of your own.

        Raises UnsupportedError for a model without a training.
        """
        from torchtwin.training.live import BatchLoss

        if self.train is None:
            raise self.untrained or UnsupportedError(
                "the model was not compiled", hint="give convert(...) an optimizer and a loss"
            )
        make = self._namespace[_class_name(self.source)]
        training = imported(self.train, self._namespace, lambda: self._loaded(make()))
        vars(training)["loss"] = BatchLoss(training)
        return training

    def save(
        self, folder: str | Path, *, force: bool = True, progress: Progress | None = None
    ) -> Path:
        """Write model.py, model.safetensors and, where there is a training, train.py.

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


def imported(
    train: str, namespace: Mapping[str, Any], load: Callable[[], nn.Module]
) -> types.ModuleType:
    """Return train.py, executed beside a model.py that was executed already."""
    model = types.ModuleType("model")
    own = {name: value for name, value in namespace.items() if not name.startswith("__")}
    vars(model).update(own, load=load)
    module = types.ModuleType("torchtwin_train")
    module.__file__ = "train.py"
    others = {name: sys.modules.get(name) for name in (model.__name__, module.__name__)}
    sys.modules[model.__name__] = model
    try:
        exec(compile(train, "train.py", "exec", dont_inherit=True), module.__dict__)
    finally:
        for name, other in others.items():
            if other is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = other
    return module


def _class_name(source: str) -> str:
    """Return the class that `load` makes."""
    return source.rpartition("    model = ")[2].partition("(")[0]
