"""Real models from public repositories: channels-first, trained, compiled and exported.

The score over the corpus (scripts/check) looks at numbers in Keras's layout; here the same models
are converted for PyTorch's, and used as people use a PyTorch module. The corpus is not part of
the repository: where it is missing, these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import torchtwin
from cases import FLOAT32, compare, run
from torchtwin.emit.training import channels_of

CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "real"
LATER = ("savedmodel", "tfjs")
CASES = sorted(
    meta.parent
    for meta in CORPUS.glob("*/meta.json")
    if not any(k in meta.parent.name for k in LATER)
)
pytestmark = pytest.mark.skipif(not CASES, reason="the corpus of real models is not here")


def converted(case: Path) -> torchtwin.Twin:
    meta = json.loads((case / "meta.json").read_text())
    weights = case / meta["weights"] if meta.get("weights") else None
    return torchtwin.convert(case / meta["model"], weights=weights)


def recorded(case: Path, kind: str) -> list[np.ndarray]:
    with np.load(case / "io.npz") as io:
        return [io[f"{kind}_{k}"] for k in range(sum(n.startswith(f"{kind}_") for n in io.files))]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_real_model_as_a_pytorch_module(case: Path, tmp_path: Path) -> None:
    twin = converted(case)
    given = recorded(case, "in")
    wanted = recorded(case, "out")
    got = run(twin, given)
    compare(got, [w.astype(g.dtype) for g, w in zip(got, wanted, strict=True)], FLOAT32)
    trains(twin, given)
    if twin.plan is not None:
        follows_its_compile(twin, given, tmp_path)
    compiles_and_exports(twin, given)


def tensors(twin: torchtwin.Twin, given: list[np.ndarray]) -> tuple[torch.Tensor, ...]:
    """Return the inputs as PyTorch lays them out.

    Not in channels_last strides: there the backward of a 1×1 convolution with stride 2 and few
    channels corrupts memory on CPUs, whoever wrote the model (oneDNN's issue 6035).
    """
    return tuple(
        torch.from_numpy(x)
        .permute(a.layout or tuple(range(x.ndim)))
        .clone(memory_format=torch.contiguous_format)
        for x, a in zip(given, twin.program.inputs, strict=True)
    )


def trains(twin: torchtwin.Twin, given: list[np.ndarray]) -> None:
    module = twin.module.train()
    inputs = [torch.cat([x, x]) for x in tensors(twin, given)]  # statistics need more than one
    results = module(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    trained = [p for p in module.parameters() if p.requires_grad]
    if trained:
        sum((r * torch.randn_like(r)).sum() for r in results).backward()
    missing = [n for n, p in module.named_parameters() if p.requires_grad and p.grad is None]
    assert missing == []
    module.eval()


def follows_its_compile(twin: torchtwin.Twin, given: list[np.ndarray], output: Path) -> None:
    """Its train.py takes two steps, on targets that fit."""
    assert twin.plan is not None
    training = twin.training
    run = training.Run(training.load(), output=output)
    inputs = [x.numpy() for x in tensors(twin, given)]
    results = twin.module(*tensors(twin, given))
    results = results if isinstance(results, tuple) else (results,)
    rng, targets = np.random.default_rng(0), []
    for target in twin.plan.targets:
        output = twin.program.outputs[target.index]
        shape = tuple(results[target.index].shape)
        channels = channels_of(output) or len(shape) - 1
        classes = rng.integers(0, shape[channels], (*shape[:channels], *shape[channels + 1 :]))
        one_hot = np.moveaxis(np.eye(shape[channels], dtype="float32")[classes], -1, channels)
        if any("sparse" in name for name, _, _ in target.metrics):  # beside mse in one of them
            one_hot = classes[..., None]
        targets.append(one_hot if target.alike else classes)
    data = training.Arrays(inputs, targets, batch_size=len(inputs[0]))
    logs = training.fit(run, data, epochs=2)
    assert np.isfinite(logs["loss"])
    assert run.step == 2


def compiles_and_exports(twin: torchtwin.Twin, given: list[np.ndarray]) -> None:
    inputs = tensors(twin, given)
    """Dynamo takes `nn.LSTM` and its kin, anyone's, only when `allow_rnn` is set."""
    torch._dynamo.reset()
    module = twin.module
    with torch.no_grad(), torch._dynamo.config.patch(allow_rnn=True):
        wanted = module(*inputs)
        compiled = torch.compile(module, fullgraph=True, backend="eager")(*inputs)
        exported = torch.export.export(module, inputs).module()(*inputs)
    torch.testing.assert_close(compiled, wanted)
    torch.testing.assert_close(exported, wanted)
