"""The variant for inference alone: what is folded, that it agrees, and what tells otherwise."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tf_keras
import torch
from keras import layers as kl

import torchtwin
from cases import FLOAT32, compare, outputs, randomize, run
from torchtwin import cli
from torchtwin.emit.weights import write_safetensors

SHAPE = (11, 10, 6)


def images() -> keras.Model:
    """Every layer that holds a normalisation, behind it or before it, and some that cannot."""
    x = image = keras.Input(SHAPE)
    x = kl.Conv2D(8, 3, groups=2)(kl.BatchNormalization(name="before_groups")(x))
    x = kl.Dropout(0.2)(kl.BatchNormalization(scale=False, epsilon=0.01)(x))
    x = kl.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    skip = kl.Activation("relu")(kl.BatchNormalization(center=False)(x))
    x = kl.Conv2D(16, 1, padding="same")(kl.BatchNormalization(name="before_pixels")(skip))
    x = kl.Add()([kl.BatchNormalization()(kl.SpatialDropout2D(0.1)(x)), skip])
    x = kl.Conv2DTranspose(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = kl.SeparableConv2D(5, 3)(kl.ReLU()(kl.BatchNormalization(trainable=False)(x)))
    x = kl.BatchNormalization(name="before_padding")(kl.ReLU()(kl.BatchNormalization()(x)))
    x = kl.ReLU()(kl.BatchNormalization()(kl.Conv2D(4, 3, padding="same")(x)))
    x = kl.DepthwiseConv2D(2)(kl.BatchNormalization(name="before_depthwise")(x))
    x = kl.BatchNormalization(name="before_dense")(kl.Flatten()(x))
    x = kl.GaussianNoise(0.1)(kl.BatchNormalization()(kl.Dense(7, use_bias=False)(x)))
    return keras.Model(image, kl.Dense(3)(x))


def sequences() -> keras.Model:
    x = steps = keras.Input((9, 5))
    x = kl.BatchNormalization()(kl.Conv1D(6, 3, padding="causal")(x))
    x = kl.BatchNormalization()(kl.Dense(4)(x))
    inner = keras.Sequential([keras.Input((9, 4)), kl.Dense(4), kl.BatchNormalization()])
    x = kl.LSTM(5, dropout=0.3)(inner(inner(x)))
    return keras.Model(steps, kl.Dense(2)(x))


def given_to(model: keras.Model) -> list[np.ndarray]:
    shape = model.inputs[0].shape[1:]
    return [np.random.default_rng(0).normal(size=(3, *shape)).astype("float32")]


@pytest.mark.parametrize(("build", "left"), [(images, ["before_padding"]), (sequences, [])])
def test_normalisations_are_in_the_weights(build, left) -> None:
    model = build()
    randomize(model)
    given = given_to(model)
    wanted = outputs(model, given)
    for layout in ("torch", "keras"):
        twin = torchtwin.convert(model, layout=layout).optimize()
        compare(run(twin, given), wanted, FLOAT32)
        kinds = {type(m).__name__ for m in twin.module.modules()}
        norms = [n for n, m in twin.module.named_modules() if "BatchNorm" in type(m).__name__]
        assert norms == left
        assert not any("Drop" in kind or "Noise" in kind for kind in kinds)
        assert not any(p.requires_grad for p in twin.module.parameters())
        assert twin.train is None
        assert "reset_parameters" not in twin.source
        twin.module.train()  # nothing is left that would act
        if not left:
            compare(run(twin, given), wanted, FLOAT32)


def test_what_must_stay_stays() -> None:
    """Activations, other users and other calls of the layer are between, and training=True."""
    x = image = keras.Input((6, 6, 3))
    x = kl.BatchNormalization(name="behind_relu")(kl.Conv2D(3, 1, activation="relu")(x))
    shared = kl.Conv2D(3, 1)
    y = kl.BatchNormalization(name="behind_shared")(shared(shared(kl.ReLU()(x))))
    y = kl.Conv2D(3, 1)(kl.ReLU()(y))
    z = kl.BatchNormalization(name="behind_used_twice")(y)
    z = kl.BatchNormalization(axis=1, name="other_axis")(kl.Conv2D(6, 1)(kl.ReLU()(z)))
    z = kl.Conv2D(2, 3, padding="same")(z)
    model = keras.Model(image, [y, z])
    randomize(model)
    twin = torchtwin.convert(model).optimize()
    compare(run(twin, given_to(model)), outputs(model, given_to(model)), FLOAT32)
    assert [n for n, m in twin.module.named_modules() if "BatchNorm" in type(m).__name__] == [
        "behind_relu", "behind_shared", "behind_used_twice", "other_axis",
    ]  # fmt: skip


def test_dropout_that_is_always_on_stays() -> None:
    x = tf_keras.Input((400,))
    model = tf_keras.Model(x, tf_keras.layers.Dropout(0.5)(x, training=True))
    module = torchtwin.convert(model).optimize().module
    assert float((module(torch.ones(1, 400)) == 0).float().mean()) > 0.2


def test_it_is_verified_in_float64_and_errors_are_seen(tmp_path: Path) -> None:
    model = sequences()
    randomize(model)
    model.save(tmp_path / "model.keras")
    folder = tmp_path / "twin"
    twin = torchtwin.convert(tmp_path / "model.keras")
    twin.optimize().save(folder)
    report = torchtwin.verify(tmp_path / "model.keras", folder)
    assert report.ok, str(report)
    assert report.outputs[0].errors["float64"] < 1e-12
    # The weights of the other variant, of the same names, are not those.
    state = {t.name: t for t in twin.tensors()}
    mixed = [state.get(t.name, t) for t in twin.optimize().tensors()]
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, mixed)
    assert torchtwin.verify(tmp_path / "model.keras", folder).verdict == "differs"


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = images()
    model.compile("adam", "mse")
    model.save(tmp_path / "model.keras")
    arguments = ["convert", tmp_path / "model.keras", "-o", tmp_path / "twin", "--inference"]
    assert cli.main([*map(str, arguments), "--no-verify"]) == 0
    assert {p.name for p in (tmp_path / "twin").iterdir()} == {"model.py", "model.safetensors"}
    assert "in conv2d" in capsys.readouterr().out
    assert "For inference alone" in (tmp_path / "twin" / "model.py").read_text()


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (kl.Conv2D(4, 3), True),
        (kl.Conv2D(4, 1, strides=2), False),
        (kl.GroupNormalization(2), False),
        (kl.Conv1D(4, 3), False),
    ],
)
def test_weights_lie_channels_last_where_training_is_safe(layer: kl.Layer, wanted: bool) -> None:
    spatial = "2D" in type(layer).__name__ or isinstance(layer, kl.GroupNormalization)
    x = keras.Input((6, 6, 8) if spatial else (6, 8))
    model = keras.Model(x, kl.Conv2D(2, 2)(layer(x)) if spatial else layer(x))
    twin = torchtwin.convert(model)
    assert ("channels_last" in twin.source) == wanted
    assert ("channels_last" in twin.optimize().source) == spatial
    lying = [w for w in twin.module.parameters() if w.dim() == 4 and not w.is_contiguous()]
    assert bool(lying) == wanted
