"""The models of keras.applications: numbers in both layouts, names, export and compilation.

At every run small ones; all of them, which takes hours, with

    TORCHTWIN_APPLICATIONS=all KERAS_BACKEND=tensorflow pytest tests/applications/check.py

or some: TORCHTWIN_APPLICATIONS="ResNet50 NASNetMobile".
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import keras
import numpy as np
import pytest
import torch
from keras.src.applications.convnext import ConvNeXt
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

import torchtwin
from cases import FLOAT32, FLOAT64, compare, run
from test_layout import moves
from torchtwin.verify.judge_exact import exact_constants
from train_support import precision

SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
"""The smallest images that a constructor takes, where they are larger than `SIZE`."""

SIZE, CLASSES = 64, 10
ROUNDING = 10
"""float32 may be as far from the truth as Keras's own, up to this factor, as in verification."""


def small_mobile_net() -> keras.Model:
    return keras.applications.MobileNet(
        weights=None, alpha=0.25, input_shape=(32, 32, 3), classes=CLASSES,
        classifier_activation=None,
    )  # fmt: skip


def small_conv_next() -> keras.Model:
    return ConvNeXt(
        [1, 1, 1, 1], [4, 8, 12, 16], drop_path_rate=0.2, weights=None, input_shape=(64, 64, 3),
        classes=CLASSES, classifier_activation=None, name="convnext",
    )  # fmt: skip


def scaled_residual() -> keras.Model:
    x = image = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, padding="same")(x))
    y = keras.layers.Conv2D(4, 1, activation="relu")(x)
    return keras.Model(image, keras.layers.Conv2D(2, 3)(CustomScaleLayer(0.17)([x, y])))


def application(name: str) -> Callable[[], keras.Model]:
    size = SMALLEST.get(name, SIZE)
    constructor = getattr(keras.applications, name)
    return lambda: constructor(
        weights=None, input_shape=(size, size, 3), classifier_activation=None
    )


def chosen() -> dict[str, Callable[[], keras.Model]]:
    wanted = os.environ.get("TORCHTWIN_APPLICATIONS", "").split()
    if not wanted:
        return {f.__name__: f for f in (small_mobile_net, small_conv_next, scaled_residual)}
    names = [n for n in dir(keras.applications) if n[0].isupper()]
    return {n: application(n) for n in names if n in wanted or wanted == ["all"]}


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Give every weight a value that matters, and normalisations statistics near their data's.

    Without those a deep model amplifies its signal, or loses it, and hides every error. So it does
    where normalisation makes the signal large: with scales around 1 the last digit of an image
    changes what Keras itself gives in EfficientNetB7 by 40 %.
    """
    rng = np.random.default_rng(0)
    norms = [x for x in model._flatten_layers() if isinstance(x, keras.layers.BatchNormalization)]
    for weight in model.weights:
        name, shape = weight.path.rpartition("/")[2], weight.shape
        if "kernel" in name:
            fan = np.prod(shape[:2] if "depthwise" in weight.path else shape[:-1])
            weight.assign(rng.normal(scale=np.sqrt(2 / max(1, fan)), size=shape))
        elif name in ("bias", "beta"):
            weight.assign(rng.normal(scale=0.1, size=shape))
        elif name == "gamma" and "layer_scale" not in weight.path:
            weight.assign(rng.uniform(0.1, 0.4, shape))
        elif name in ("gamma", "scale") or "layer_scale" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, shape))
    for norm in norms:
        norm.momentum = 0.0  # one step takes the statistics of the batch
    model(images, training=True)
    for norm in norms:
        norm.momentum = 0.99
        mean, variance = (keras.ops.convert_to_numpy(x) for x in norm.non_trainable_variables)
        norm.moving_mean.assign(mean + rng.normal(scale=0.1, size=mean.shape))
        norm.moving_variance.assign(variance * rng.uniform(0.8, 1.25, mean.shape) + 1e-3)


def pictures(count: int, height: int, width: int) -> np.ndarray:
    """Return images of large patches, of different brightness, with noise."""
    rng = np.random.default_rng(1)
    patches = rng.uniform(0, 180, (count, 4, 4, 3))
    rows, columns = (np.arange(n) * 4 // n for n in (height, width))
    images = patches[:, rows][:, :, columns] + rng.uniform(0, 75, (count, height, width, 3))
    return (images * rng.uniform(0.2, 1, (count, 1, 1, 3))).astype("float32")


@pytest.mark.parametrize("name", chosen())
def test_application(name: str) -> None:
    build = chosen()[name]
    model = build()
    images = pictures(8, *model.inputs[0].shape[1:3])
    settle(model, images)
    images = images[:2]
    with precision("float64"):
        precise = build()
    precise.set_weights(model.get_weights())
    for layer in precise._flatten_layers():
        exact_constants(layer)
    exact, rounded = (
        keras.ops.convert_to_numpy(m(images.astype(dtype), training=False))
        for m, dtype in ((precise, "float64"), (model, "float32"))
    )
    largest = np.abs(exact).max()
    assert np.abs(exact[0] - exact[1]).max() > 1e-3 * largest, "the images make no difference"
    allowed = max(FLOAT32, ROUNDING * np.abs(rounded - exact).max() / max(1.0, largest))
    twin = torchtwin.convert(model)
    compare(run(twin.optimize(), [images]), [rounded], allowed)
    for layout in ("keras", "torch"):
        twin = torchtwin.convert(model, layout=layout)
        assert moves(twin) == (layout == "keras") * (1 + (exact.ndim > 2))
        compare(run(twin, [images]), [rounded], allowed)
    runs_elsewhere(twin.module, torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    layers = {plain(layer.name) for layer in model.layers}
    assert {plain(key.partition(".")[0]) for key in twin.module.state_dict()} <= layers
    twin = torchtwin.convert(precise)
    compare(run(twin, [images.astype("float64")]), [exact], FLOAT64)


def plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def runs_elsewhere(module: torch.nn.Module, x: torch.Tensor) -> None:
    """Hold torch.export's and torch.compile's programs to the module itself."""
    with torch.no_grad():
        wanted = module(x)
        torch.testing.assert_close(torch.export.export(module, (x,)).module()(x), wanted)
        torch._dynamo.reset()
        compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(x), wanted)
        torch._dynamo.reset()
