"""The generated code of some models, kept as files to be read in review.

pytest tests/test_golden.py --update-golden      writes them anew
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import pytest
import torch
from keras import layers as kl

import torchtwin
from torchtwin.emit.train import COMPILED

GOLDEN = Path(__file__).parent / "golden"


def mlp() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((784,), name="pixels"),
            kl.Dense(128, activation="relu", name="hidden"),
            kl.Dropout(0.2, name="dropout"),
            kl.Dense(10, activation="softmax", name="digits"),
        ],
        name="mlp",
    )


def cnn() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            kl.Conv2D(32, 3, padding="same", name="conv_1"),
            kl.BatchNormalization(name="norm_1"),
            kl.ReLU(name="relu_1"),
            kl.MaxPooling2D(name="pool_1"),
            kl.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="conv_2"),
            kl.MaxPooling2D(name="pool_2"),
            kl.Flatten(name="flatten"),
            kl.Dropout(0.5, name="dropout"),
            kl.Dense(10, activation="softmax", name="digits"),
        ],
        name="cnn",
    )


def bilstm() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((80,), dtype="int32", name="tokens"),
            kl.Embedding(5000, 64, name="embedding"),
            kl.Bidirectional(kl.LSTM(32, return_sequences=True), name="first"),
            kl.Bidirectional(kl.LSTM(32), name="second"),
            kl.Dense(1, activation="sigmoid", name="sentiment"),
        ],
        name="sentiment_bilstm",
    )


def unet() -> keras.Model:
    image = keras.Input((128, 128, 3), name="image")
    x, skips = image, []
    for k, filters in enumerate((16, 32)):
        x = kl.Conv2D(filters, 3, padding="same", activation="relu", name=f"down_{k}")(x)
        skips.append(x)
        x = kl.MaxPooling2D(name=f"pool_{k}")(x)
    x = kl.Conv2D(64, 3, padding="same", activation="relu", name="bottom")(x)
    for k, filters in enumerate((32, 16)):
        up = kl.Conv2DTranspose(filters, 2, strides=2, padding="same", name=f"up_{k}")(x)
        x = kl.Concatenate(name=f"join_{k}")([up, skips.pop()])
        x = kl.Conv2D(filters, 3, padding="same", activation="relu", name=f"merge_{k}")(x)
    mask = kl.Conv2D(1, 1, activation="sigmoid", name="mask")(x)
    return keras.Model(image, mask, name="unet")


def two_inputs() -> keras.Model:
    image, facts = keras.Input((32, 32, 3), name="image"), keras.Input((6,), name="facts")
    x = kl.Conv2D(16, 3, activation="relu", name="conv")(image)
    x = kl.GlobalAveragePooling2D(name="pool")(x)
    y = kl.Dense(16, activation="relu", name="facts_dense")(facts)
    x = kl.Concatenate(name="join")([x, y])
    price = kl.Dense(1, name="price")(x)
    kind = kl.Dense(4, activation="softmax", name="kind")(x)
    return keras.Model([image, facts], [price, kind], name="house")


@pytest.mark.parametrize("make", [mlp, cnn, bilstm, unet, two_inputs], ids=lambda f: f.__name__)
def test_generated_code(make: Callable[[], keras.Model], request: pytest.FixtureRequest) -> None:
    keras.backend.clear_session()
    source = torchtwin.convert(make()).source
    path = GOLDEN / f"{make.__name__}.py"
    if request.config.getoption("--update-golden"):
        path.write_text(source, encoding="utf-8")
    assert source == path.read_text(encoding="utf-8")


def compiled_mlp() -> keras.Model:
    model = mlp()
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def compiled_house() -> keras.Model:
    """Two losses with weights, a schedule, clipping, a regulariser and a constraint."""
    model = two_inputs()
    model.get_layer("conv").kernel_regularizer = keras.regularizers.L2(0.001)
    model.get_layer("facts_dense").kernel_constraint = keras.constraints.MaxNorm(2)
    model.compile(
        keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(0.1, 1000), momentum=0.9, clipnorm=1.0
        ),
        loss={"price": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"price": 0.1, "kind": 1.0},
        metrics={"price": ["mae"], "kind": ["accuracy"]},
    )
    return model


@pytest.mark.parametrize("make", [compiled_mlp, compiled_house], ids=lambda f: f.__name__)
def test_what_a_training_has_of_its_own(
    make: Callable[[], keras.Model], request: pytest.FixtureRequest
) -> None:
    """The part of train.py that is written for the model; what follows is the same for all."""
    keras.backend.clear_session()
    train = torchtwin.convert(make()).train or ""
    own, heading, _ = train.partition(f"# {COMPILED}")
    assert heading
    path = GOLDEN / f"{make.__name__}.train.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(own, encoding="utf-8")
    assert own == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("make", [mlp, cnn, bilstm, unet, two_inputs], ids=lambda f: f.__name__)
def test_compiles_and_exports(make: Callable[[], keras.Model]) -> None:
    twin = torchtwin.convert(make())
    given = tuple(
        torch.zeros([2 if n is None else n for n in a.shape], dtype=getattr(torch, a.dtype))
        for a in twin.program.inputs
    )
    torch._dynamo.reset()
    wanted = twin.module(*given)
    with torch._dynamo.config.patch(allow_rnn=True):  # nn.LSTM, anyone's, needs it
        compiled = torch.compile(twin.module, fullgraph=True, backend="eager")(*given)
    torch.testing.assert_close(compiled, wanted)
    exported = torch.export.export(twin.module, given)
    torch.testing.assert_close(exported.module()(*given), wanted)
