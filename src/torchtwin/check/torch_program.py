"""Runs a translated program with the weights, the data and the noise that Keras had.

python -m torchtwin.check.torch_program FOLDER
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from torchtwin import load_keras_weights
from torchtwin.check.alike import USES, Record, normal, peeked, seeds, smaller, uniform

MISSING = ("keras", "tensorflow", "tf_keras", "jax")
"""What a translated program does without."""


class Starts:
    """Gives models, as they are called for the first time, the weights that they had in Keras."""

    def __init__(self, models: list[list[np.ndarray]]) -> None:
        self.models = models
        self.seen: list[torch.nn.Module] = []
        self.busy = False
        self.symbolic: list[torch.nn.Module] = []
        register_module_forward_pre_hook(self.before)
        register_module_forward_hook(self.after, always_call=True)

    def after(self, module: torch.nn.Module, *_: Any) -> None:
        if self.symbolic and self.symbolic[-1] is module:
            self.symbolic.pop()

    def before(self, module: torch.nn.Module, inputs: Any) -> None:
        if self.symbolic or any(map(stands_for_one, inputs)):
            self.symbolic.append(module)  # a graph is being made: its model has the weights
            return
        if self.busy or any(module is part for seen in self.seen for part in seen.modules()):
            return
        if not has_weights(module):
            return
        index = len(self.seen)
        self.seen.append(module)
        if index >= len(self.models):
            raise AssertionError(f"{type(module).__name__} has weights and no model of Keras's")
        self.busy = True
        try:
            load_keras_weights(module, self.models[index], *inputs)
        finally:
            self.busy = False


def stands_for_one(values: Any) -> bool:
    """Tell whether there is a tensor in a structure that stands for one to come."""
    if isinstance(values, list | tuple):
        return any(map(stands_for_one, values))
    if isinstance(values, dict):
        return any(map(stands_for_one, values.values()))
    return torch.is_tensor(values) and type(values) not in (torch.Tensor, torch.nn.Parameter)


def has_weights(module: torch.nn.Module) -> bool:
    """Tell whether a module has weights, or will have some at its first call."""
    torchmetrics = importlib.import_module("torchmetrics")
    if isinstance(module, torchmetrics.Metric):
        return False
    lazy = any(getattr(part, "built", True) is False for part in module.modules())
    return lazy or bool(module.state_dict())


def used(record: Record, name: str, method: Any) -> Any:
    """Return `fit` or its kin, with less to do and its result kept."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def call(model: Any, *args: Any, **kwargs: Any) -> Any:
        if record.busy:  # a callback that evaluates
            return method(model, *args, **kwargs)
        bound = signature.bind(model, *args, **kwargs).arguments
        given = smaller(name, {k: v for k, v in bound.items() if k != "self"})
        _, given["x"] = peeked(given.get("x"))
        record.busy = True
        try:
            value = method(model, **{k: v for k, v in given.items() if k in signature.parameters})
        finally:
            record.busy = False
        record.keep(name, value)
        return value

    return call


def execute(text: str, space: dict[str, Any], record: Record, own: list[str]) -> None:
    """Execute a program statement by statement: as soon as its `Model` is there, it is watched.

    `own` are the classes of the original: what they have of these methods stays theirs.
    """
    script = record.script
    for node in ast.parse(text, script).body:
        flags = getattr(_future(text), "compiler_flag", 0)
        code = compile(ast.Module([node], []), script, "exec", flags, dont_inherit=True)
        exec(code, space)
        if isinstance(node, ast.ClassDef) and node.name not in own:
            cls = space[node.name]
            if issubclass(cls, torch.nn.Module):
                for name in set(USES) & set(vars(cls)):
                    setattr(cls, name, used(record, name, getattr(cls, name)))


def _future(text: str) -> Any:
    import __future__

    return __future__.annotations if "from __future__ import annotations" in text else None


def quiet() -> None:
    """Make noise the same on both sides, and switch dropout off."""
    function = torch.nn.functional
    for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout",
                 "feature_alpha_dropout"):  # fmt: skip
        setattr(function, name, lambda x, *_, **__: x)
    attend = function.scaled_dot_product_attention

    def attention(*args: Any, **kwargs: Any) -> Any:
        return attend(*args, **(kwargs | {"dropout_p": 0.0}))

    function.scaled_dot_product_attention = attention
    torch.randperm = lambda count, **_: torch.arange(count)  # type: ignore[assignment]
    for name, made in (("randn", normal), ("rand", uniform)):
        setattr(torch, name, functools.partial(_drawn, made))
        setattr(torch, f"{name}_like", functools.partial(_drawn_like, made))
    torch.normal = _normal  # type: ignore[assignment]


def _drawn(made: Any, *size: Any, dtype: Any = None, device: Any = None, **_: Any) -> torch.Tensor:
    shape = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
    dtype = dtype or torch.get_default_dtype()
    return torch.as_tensor(made(shape).astype("float32"), device=device).to(dtype)


def _drawn_like(made: Any, x: torch.Tensor, dtype: Any = None, **_: Any) -> torch.Tensor:
    return _drawn(made, x.shape, dtype=dtype or x.dtype, device=x.device)


def _normal(mean: Any, std: Any, size: Any = None, **options: Any) -> torch.Tensor:
    shape = size if size is not None else torch.as_tensor(mean + 0.0 * std).shape
    drawn: torch.Tensor = mean + std * _drawn(normal, shape, **options)
    return drawn


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    script = request["script"]
    record = Record(script)
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        models = [[arrays[f"model{m}/{k}"] for k in range(n)]
                  for m, n in enumerate(request["models"])]  # fmt: skip
    Starts(models)
    importlib.import_module("torchmetrics")
    quiet()
    for name in MISSING:
        sys.modules[name] = None  # type: ignore[assignment]
    space: dict[str, Any] = {"__name__": "__main__", "__file__": script}
    text = Path(script).read_text(encoding="utf-8")
    sys.argv = [script]
    sys.path.insert(0, request["home"])
    seeds()
    record.run(lambda: execute(text, space, record, request["own"]))
    record.variables(space)
    record.write(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
