"""Masks through chains of layers: small models beside Keras, masked anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import pytest
import torch
from keras import layers as L

import torchtwin
from cases import FLOAT32, FLOAT64, built, callable_of, compare, outputs, randomize, run
from torchtwin.rule import rules

IDS = np.array(
    [
        [1, 2, 3, 4, 5, 6],
        [1, 2, 3, 0, 0, 0],  # padded right
        [0, 0, 4, 5, 6, 1],  # left
        [0, 3, 0, 0, 5, 0],  # in the middle
        [0, 0, 0, 0, 0, 0],  # fully masked
    ],
    "int32",
)
Build = Callable[[], keras.Model]


@pytest.fixture(autouse=True)
def _float32_again() -> Iterator[None]:
    yield
    keras.config.set_dtype_policy("float32")


def check(build: Build, given: Sequence[np.ndarray] = (IDS,)) -> torchtwin.Twin:
    """Compare a model with its twin in float32 and float64; return the twin."""
    model = _model(build, "float32")
    twin = torchtwin.convert(model)
    compare(run(twin, given), outputs(model, given), FLOAT32)
    weights = model.get_weights()
    precise = _model(build, "float64")
    precise.set_weights(weights)
    twin.module.double()
    doubled = [x.astype("float64") if x.dtype == np.float32 else x for x in given]
    compare(run(twin, doubled), outputs(precise, doubled), FLOAT64)
    return twin


def _model(build: Build, dtype: str) -> keras.Model:
    keras.utils.clear_session()
    keras.config.set_dtype_policy(dtype)
    model = build()
    randomize(model)
    return model


def chain(*layers: Callable[[], keras.layers.Layer]) -> Build:
    """Return the builder of a Sequential model behind an Embedding that masks zeros."""
    return lambda: keras.Sequential(
        [keras.Input((None,), dtype="int32"), L.Embedding(7, 4, mask_zero=True)]
        + [make() for make in layers]
    )


CHAINS = {
    "lstm": [lambda: L.LSTM(3)],
    "two lstms": [lambda: L.LSTM(3, return_sequences=True), lambda: L.LSTM(2)],
    "gru": [lambda: L.GRU(3), lambda: L.Dense(2)],
    "hard": [lambda: L.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True)],
    "bidirectional": [
        lambda: L.Bidirectional(L.LSTM(3, return_sequences=True)),
        lambda: L.Bidirectional(L.GRU(3)),
    ],
    "dropout": [lambda: L.Dropout(0.2), lambda: L.Dense(3), lambda: L.SimpleRNN(2)],
    "time distributed": [
        lambda: L.GRU(3, return_sequences=True),
        lambda: L.TimeDistributed(L.Dense(2)),
        lambda: L.LSTM(2, go_backwards=True),
    ],
    "pooled": [lambda: L.LSTM(3, return_sequences=True), L.GlobalAveragePooling1D],
    "ended": [lambda: L.LSTM(3, return_sequences=True), L.GlobalMaxPooling1D],
    "normalised": [L.LayerNormalization, lambda: L.GRU(3)],
    "stack": [lambda: L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True)],
}


@pytest.mark.parametrize("name", CHAINS)
def test_chain(name: str) -> None:
    # A mean over no step is 0 / 0 on both sides: the last row is left out there.
    check(chain(*CHAINS[name]), [IDS[:-1] if name == "pooled" else IDS])


def test_the_mask_is_a_value_of_the_code() -> None:
    source = check(chain(lambda: L.LSTM(3), lambda: L.Dense(2))).source
    assert "embedding_mask = input_layer != 0" in source
    assert "self.lstm = nn.LSTM(4, 3, batch_first=True)" in source


def test_a_mask_that_nothing_uses_is_left_out() -> None:
    source = check(chain(lambda: L.Dense(3), L.GlobalMaxPooling1D, lambda: L.Dense(2))).source
    assert "mask" not in source


def _functional(
    call: Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor],
) -> Build:
    def build() -> keras.Model:
        first, second = keras.Input((6,), dtype="int32"), keras.Input((6,), dtype="int32")
        a, b = L.Embedding(7, 4, mask_zero=True), L.Embedding(7, 4, mask_zero=True)
        return keras.Model([first, second], call(a(first), b(second)))

    return build


OTHER = np.array([[3, 0, 1, 2, 0, 0], [1, 2, 3, 4, 5, 6], [0] * 6, [0, 1, 0, 2, 3, 0], [5] * 6])


@pytest.mark.parametrize("merge", [L.Add, L.Concatenate, L.Average, L.Multiply])
def test_merged(merge: type[keras.layers.Layer]) -> None:
    check(_functional(lambda a, b: L.GRU(3)(merge()([a, b]))), [IDS, OTHER.astype("int32")])


def test_merged_along_the_steps() -> None:
    build = _functional(lambda a, b: L.LSTM(3)(L.Concatenate(axis=1)([a, b])))
    check(build, [IDS, OTHER.astype("int32")])


def test_encoder_and_decoder() -> None:
    def call(a: keras.KerasTensor, b: keras.KerasTensor) -> keras.KerasTensor:
        _, h, c = L.LSTM(3, return_state=True)(a)
        return L.LSTM(3, return_sequences=True)(b, initial_state=[h, c])

    decoder = OTHER.astype("int32")
    decoder[:, 0] = 1  # before the first step TensorFlow gives zeros, JAX the initial state
    check(_functional(call), [IDS, decoder])


def recurrent_layers() -> list[keras.layers.Layer]:
    cells = [L.LSTMCell(3), L.GRUCell(3)]
    return [
        L.LSTM(3), L.GRU(3, return_sequences=True), L.SimpleRNN(3, go_backwards=True),
        L.RNN(cells), L.Bidirectional(L.LSTM(3)), L.Bidirectional(L.RNN(cells)),
    ]  # fmt: skip


@pytest.mark.parametrize("masked_first", [False, True])
def test_a_layer_called_with_a_mask_and_without(masked_first: bool) -> None:
    def build() -> keras.Model:
        ids = keras.Input((6,), dtype="int32")
        calls = [L.Embedding(7, 4)(ids), L.Embedding(7, 4, mask_zero=True)(ids)]
        calls = calls[::-1] if masked_first else calls
        return keras.Model(ids, [layer(x) for layer in recurrent_layers() for x in calls])

    check(build)


def test_a_mask_given_in_the_call() -> None:
    def build() -> keras.Model:
        x, mask = keras.Input((6, 4)), keras.Input((6,), dtype="bool")
        return keras.Model([x, mask], L.Bidirectional(L.LSTM(3))(x, mask=mask))

    x = np.random.default_rng(1).normal(size=(5, 6, 4)).astype("float32")
    check(build, [x, IDS != 0])


def _inner(*, masks: bool) -> keras.Model:
    given = keras.Input((6,), dtype="int32") if masks else keras.Input((6, 4))
    x = L.Embedding(7, 4, mask_zero=True)(given) if masks else given
    return keras.Model(given, L.Dense(3)(x), name="inner")


def test_a_mask_goes_into_a_nested_model() -> None:
    def build() -> keras.Model:
        given = keras.Input((6, 4))
        inner = keras.Model(given, L.GRU(3, return_sequences=True)(given), name="inner")
        ids = keras.Input((6,), dtype="int32")
        return keras.Model(ids, L.LSTM(2)(inner(L.Embedding(7, 4, mask_zero=True)(ids))))

    check(build)


def test_a_mask_goes_through_a_nested_model() -> None:
    def build() -> keras.Model:
        ids = keras.Input((6,), dtype="int32")
        x = _inner(masks=False)(L.Embedding(7, 4, mask_zero=True)(ids))
        return keras.Model(ids, L.LSTM(2)(x))

    check(build)


def test_a_mask_comes_out_of_a_nested_model() -> None:
    def build() -> keras.Model:
        ids = keras.Input((6,), dtype="int32")
        return keras.Model(ids, L.LSTM(2)(_inner(masks=True)(ids)))

    check(build)


def test_a_nested_sequential_model() -> None:
    def build() -> keras.Model:
        inner = keras.Sequential([keras.Input((6, 4)), L.Dense(3), L.LSTM(3)], name="inner")
        ids = keras.Input((6,), dtype="int32")
        return keras.Model(ids, inner(L.Embedding(7, 4, mask_zero=True)(ids)))

    check(build)


@pytest.mark.parametrize("name", ["lstm", "bidirectional", "hard"])
def test_masked_layers_compile_and_export(name: str) -> None:
    module = torchtwin.convert(_model(chain(*CHAINS[name]), "float32")).module
    ids = torch.from_numpy(IDS)
    wanted = module(ids)
    with torch._dynamo.config.patch(allow_rnn=True):
        torch.testing.assert_close(
            torch.compile(module, fullgraph=True, backend="eager")(ids), wanted
        )
    torch.testing.assert_close(torch.export.export(module, (ids,)).module()(ids), wanted)


EXPLICIT = {"Dot", "GlobalAveragePooling1D", "Lambda"}
"""Layers whose `compute_mask` says that there is none any more."""


HANDED = sorted(
    name
    for name, rule in rules().items()
    if hasattr(L, name) and rule.cases and isinstance(rule.mask, str)
)


@pytest.mark.parametrize("name", HANDED)
def test_masks_go_on_where_the_class_hands_them_on(name: str) -> None:
    cls = getattr(L, name)
    own = cls.compute_mask is not L.Layer.compute_mask
    assert own == (name in EXPLICIT)
    config = {k: built(v, "float32") for k, v in rules()[name].cases[0].config.items()}
    layer = callable_of(name, config, "float32")
    assert rules()[name].mask == ("pass" if layer.supports_masking and not own else "stop")
