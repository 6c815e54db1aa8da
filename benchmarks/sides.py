"""What benchmarks/speed.py times: a step of each side, as a function."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def torch_step(module: Any, x: Any, *, train: bool) -> Callable[[], None]:
    import torch

    x = torch.from_numpy(x)
    x = x.permute(0, 3, 1, 2).contiguous() if x.ndim == 4 else x

    def infer() -> None:
        with torch.inference_mode():
            module(x)

    if not train:
        module.eval()
        return infer
    module.train()
    optimizer = torch.optim.Adam(module.parameters())
    wanted = torch.rand_like(module(x))

    def step() -> None:
        optimizer.zero_grad()
        (module(x) - wanted).square().mean().backward()
        optimizer.step()

    return step


def frozen(module: Any) -> Any:
    """Return a module compiled with its weights as constants."""
    import torch

    torch._inductor.config.freezing = True
    torch._dynamo.config.allow_rnn = True
    torch._dynamo.reset()
    return torch.compile(module.eval(), fullgraph=True)


def by_hand_for_inference(module: Any) -> Any:
    """Return a program by hand as its author would run it: folded, channels last in memory."""
    import torch
    from torch.fx.experimental.optimization import fuse

    module.eval()
    try:
        module = fuse(module)
    except Exception as error:  # torch.fx cannot trace it, and it has nothing to fold
        print(f"not traced: {error}", file=sys.stderr)
    images = any(p.dim() == 4 for p in module.parameters())
    return module.to(memory_format=torch.channels_last) if images else module


def onnx_step(folder: Path, x: Any) -> Callable[[], None]:
    import onnxruntime
    import torch

    module = loaded(folder / "inference")
    given = torch.from_numpy(x)
    given = given.permute(0, 3, 1, 2).contiguous() if given.ndim == 4 else given
    torch.onnx.export(module, (given,), folder / "twin.onnx", dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "twin.onnx", options)
    named = {session.get_inputs()[0].name: given.numpy()}
    return lambda: session.run(None, named)


def keras_step(folder: Path, x: Any, *, train: bool) -> Callable[[], None]:
    import keras
    import numpy as np

    model = keras.models.load_model(folder / "model.keras")
    model.compile("adam", "mse")
    if not train:
        return lambda: model.predict_on_batch(x)
    wanted = np.random.default_rng(1).random(model.predict_on_batch(x).shape, "float32")
    return lambda: model.train_on_batch(x, wanted)


def native(side: str, name: str, folder: Path) -> Any:
    import torch

    import torch_models

    torch.set_num_threads(1)
    match side:
        case "hand":
            return torch_models.MODELS[name]()
        case "best_eager":
            return by_hand_for_inference(torch_models.MODELS[name]())
        case "best_frozen":
            return frozen(by_hand_for_inference(torch_models.MODELS[name]()))
        case "frozen":
            return frozen(loaded(folder / "inference"))
    return loaded(folder / side)


def loaded(folder: Path) -> Any:
    """Return the module of a twin's folder."""
    spec = importlib.util.spec_from_file_location(f"model_{folder.name}", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.load()
