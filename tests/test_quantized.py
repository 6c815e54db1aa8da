"""Quantized weights and LoRA adapters, from saved files and from live models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

import torchtwin
from cases import compare, randomize

layers, quantizers = keras.layers, keras.quantizers
RNG = np.random.default_rng(5)
VECTORS = RNG.normal(size=(3, 4, 6)).astype("float32")
INDICES = RNG.integers(0, 7, (3, 4)).astype("int32")


def model(policy: str | None = None, rank: int | None = None) -> keras.Model:
    """Return a model of every layer that can be quantized, side by side."""
    x, tokens = keras.Input((4, 6)), keras.Input((4,), dtype="int32")
    own: dict[str, Any] = {"dtype": policy, **({"lora_rank": rank} if rank else {})}
    outputs = [
        layers.Dense(5, activation="relu", **own)(x),
        layers.Dense(3, use_bias=False, **own)(x),
        layers.EinsumDense("abc,cde->abde", (4, 2, 5), bias_axes="de", **own)(x),
        layers.EinsumDense("abx,xy->aby", (4, 3), bias_axes="y", activation="tanh", **own)(x),
        layers.EinsumDense("abc,bd->adc", (5, 6), **own)(x),
        layers.Embedding(7, 5, **own)(tokens),
    ]
    if policy is None:
        for tied in (True, False):
            table = layers.ReversibleEmbedding(7, 6, tie_weights=tied, logit_soft_cap=3.0)
            outputs += [table(tokens), table(x, reverse=True)]
    made = keras.Model([x, tokens], outputs)
    randomize(made)
    return made


def agree(twin: torchtwin.Twin, original: keras.Model, tolerance: float = 1e-5) -> None:
    given = [torch.from_numpy(VECTORS), torch.from_numpy(INDICES)]
    with torch.no_grad():
        got = [y.double().numpy() for y in twin.module(*given)]
    wanted = original([VECTORS, INDICES])
    compare(got, [np.asarray(y, dtype="float64") for y in wanted], tolerance)


KINDS = {
    "int8": ("int8", None),
    "int8, weights alone": ("int8", quantizers.Int8QuantizationConfig(activation_quantizer=None)),
    "int4": ("int4", quantizers.Int4QuantizationConfig(block_size=None)),
    "int4, rounded": ("int4", quantizers.Int4QuantizationConfig(
        block_size=-1, activation_quantizer=quantizers.AbsMaxQuantizer(axis=-1))),
    "int4 in groups": ("int4", quantizers.Int4QuantizationConfig(block_size=2)),
    "float8": ("float8", None),
}  # fmt: skip


@pytest.mark.parametrize("first", range(2))
def test_quantized(first: int, tmp_path: Path) -> None:
    """Each layer in another way; the second time they are other ways."""
    original = model()
    kinds = [*KINDS.values()]
    for k, layer in enumerate(original.layers[2:]):
        mode, config = kinds[(3 * first + k) % len(kinds)]
        if mode != "float8" or "Embedding" not in type(layer).__name__:
            layer.quantize(mode, config=config)
    original.save(tmp_path / "model.keras")
    agree(torchtwin.convert(tmp_path / "model.keras"), original)
    agree(torchtwin.convert(original), original)


def test_computed_in_bfloat16(tmp_path: Path) -> None:
    original = model("int8_from_mixed_bfloat16")
    for weight in original.weights:
        if weight.dtype == "int8":
            weight.assign(RNG.integers(-127, 127, weight.shape))
    original.save(tmp_path / "model.keras")
    agree(torchtwin.convert(tmp_path / "model.keras"), original)


def test_rounded_inputs_have_gradients() -> None:
    x = keras.Input((6,))
    dense = layers.Dense(5, name="dense")
    original = keras.Model(x, dense(x))
    randomize(original)
    dense.quantize("int8")
    module = torchtwin.convert(original).module
    given = torch.from_numpy(VECTORS[:, 0]).requires_grad_()
    module(given).sum().backward()
    kernel = np.asarray(dense._kernel, dtype="float32") / np.asarray(dense.kernel_scale)
    np.testing.assert_allclose(given.grad.numpy(), np.tile(kernel.sum(1), (3, 1)), atol=1e-6)
    assert [name for name, _ in module.named_parameters()] == ["dense.bias"]


def test_adapters(tmp_path: Path) -> None:
    """Beside the weight in live models and HDF5, merged into it in Keras's own files."""
    original = model(rank=2)
    agree(torchtwin.convert(original), original)
    original.save(tmp_path / "model.keras")
    original.save(tmp_path / "model.h5")
    twin = torchtwin.convert(tmp_path / "model.keras")
    agree(twin, original)
    agree(torchtwin.convert(tmp_path / "model.h5"), original)
    named = [n for n, p in twin.module.named_parameters() if p.requires_grad]
    trained = [name for name in named if not name.startswith("reversible")]
    assert len(trained) == 3
    assert all(name.endswith(".bias") for name in trained)
