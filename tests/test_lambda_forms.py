"""Lambda layers in files of every Keras, what becomes of their code, and what is refused."""

from __future__ import annotations

import marshal
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import ops

import torchtwin
from bytecode_support import assembled
from lambda_support import arrays, lines, old, ran, stored
from torchtwin.errors import TorchTwinError, UnreadableModel, UnsupportedError, UntranslatedCode

K = tf = None  # names that the functions here use; nothing calls these functions


def code(text: str) -> bytes:
    """Return the marshalled code of a function given as source."""
    module = compile(text, "model.py", "exec")
    return marshal.dumps(next(c for c in module.co_consts if isinstance(c, types.CodeType)))


def written(text: str, *shapes: tuple[int, ...], **config: Any) -> list[str]:
    return lines({**old(code(text)), **config}, list(shapes))


SAMPLING = """def sampling(args):
    z_mean, z_log_var = args
    batch = K.shape(z_mean)[0]
    dim = K.int_shape(z_mean)[1]
    epsilon = K.random_normal(shape=(batch, dim), mean=0., stddev=0.1)
    return z_mean + K.exp(0.5 * z_log_var) * epsilon
"""


def test_sampling_of_an_autoencoder() -> None:
    assert written(SAMPLING, (4,), (4,)) == [
        "epsilon = torch.randn_like(input_0) * 0.1",
        "return input_0 + torch.exp(0.5 * input_1) * epsilon",
    ]
    mean, spread = np.full((9000, 2), 3, "float32"), np.full((9000, 2), 2 * np.log(5), "float32")
    drawn = ran(old(code(SAMPLING)), [mean, spread.astype("float32")])
    assert drawn.mean().item() == pytest.approx(3, abs=0.05)
    assert drawn.std().item() == pytest.approx(0.5, abs=0.02)
    again = ran(old(code(SAMPLING)), [mean, spread])
    assert not torch.equal(drawn, again)


def test_noise_of_another_shape() -> None:
    text = "lambda x: x + K.random_uniform((K.shape(x)[0], 1), -1., 1.)"
    assert written(text, (4,)) == [
        "return x + (torch.rand(x.shape[0], 1, device=x.device) * 2.0 + -1.0)"
    ]


def test_the_authors_names_stay() -> None:
    text = """def contrast(x, factor=2.0):
    mean = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    x = (x - mean) * factor + mean
    largest = tf.reduce_max(x, axis=-1, keepdims=True)
    return tf.clip_by_value(x / largest, 0.0, 1.0) + largest * mean
"""
    assert written(text, (4, 4, 3), arguments={"factor": 3.0}) == [
        "mean = x.mean((1, 2), keepdim=True)",
        "y = (x - mean) * 3.0 + mean",
        "largest = y.amax(3, keepdim=True)",
        "return (y / largest).clamp(0.0, 1.0) + largest * mean",
    ]


def test_parts_of_a_tuple_and_loops() -> None:
    text = """def gates(x):
    a, b = tf.split(x, 2, axis=-1)
    for k in range(2):
        a = a * 2 + b
    return a
"""
    assert written(text, (4,)) == [
        "a, b = x.split(2, dim=-1)", "a_2 = a * 2 + b", "return a_2 * 2 + b",
    ]  # fmt: skip


def test_what_is_imported_inside() -> None:
    text = """def inside(x):
    import tensorflow as t
    from keras import backend as B
    return B.sum(t.abs(x), axis=-1)
"""
    assert written(text, (4,)) == ["return torch.abs(x).sum(1)"]


def test_defaults_and_closures_come_from_the_file() -> None:
    scale, shift = 3.0, [1.0, 2.0]

    def outer() -> Callable[..., Any]:
        return lambda x, power=2: x**power * scale - shift

    config = stored(outer())
    assert config["function"]["config"]["defaults"] == [2]
    assert lines(config, [(2,)]) == [
        "return x**2 * 3.0 - torch.tensor([1.0, 2.0], device=x.device)"
    ]
    config["function"]["config"]["closure"] = [3.0]
    with pytest.raises(UnreadableModel, match="closure"):
        lines(config, [(2,)])


def test_defaults_of_keras_2() -> None:
    config = old(code("lambda x, power: x ** power"), [3])
    assert lines(config, [(2,)]) == ["return x**3"]
    with pytest.raises(UntranslatedCode, match="its argument power has no value"):
        lines(old(code("lambda x, power: x ** power")), [(2,)])


NEW_CODE = [("LOAD_FAST", 0), ("LOAD_CONST", 0), "BINARY_DIVIDE", "RETURN_VALUE"]


def test_text_of_keras_1() -> None:
    """Keras 1 wrote the bytes of Python 2 as text; `/` of whole numbers is another there."""
    data = assembled("2.7", NEW_CODE, consts=(255.0,))
    config = {"function": data.decode("raw_unicode_escape"), "function_type": "lambda"}
    assert lines(config, [(2,)]) == ["return x / 255.0"]
    half = [("LOAD_FAST", 0), ("LOAD_CONST", 0), ("LOAD_CONST", 1), "BINARY_DIVIDE",
            "BINARY_MULTIPLY", "RETURN_VALUE"]  # fmt: skip
    assert lines(old(assembled("2.7", half, consts=(7, 2))), [(2,)]) == ["return x * 3"]


def test_whole_numbers_divided_are_refused() -> None:
    config = old(code("lambda x: tf.cast(x, 'int32') / 2"))
    with pytest.raises(UntranslatedCode, match="division of whole numbers"):
        lines(config, [(2,)])


def test_functions_of_keras_by_name(tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    outputs = keras.layers.Lambda(keras.ops.relu)(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    x = arrays([(4,)])[0]
    got = torchtwin.convert(tmp_path / "model.keras").module(torch.from_numpy(x))
    np.testing.assert_allclose(got.numpy(), np.maximum(x, 0))


NAMED = [
    {"function": "sampling", "function_type": "function", "module": "__main__"},
    {"function": {"module": "builtins", "class_name": "function", "config": "Custom>sampling",
                  "registered_name": "function"}},
]  # fmt: skip


@pytest.mark.parametrize("config", NAMED)
def test_functions_of_the_author_by_name(config: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match="sampling") as refusal:
        lines(config, [(4,), (4,)])
    assert "--custom" in str(refusal.value)


def test_a_refusal_shows_source_instructions_and_a_stub() -> None:
    text = "def sampling(args):\n    return args[0] + tf.random.normal((1, latent_dim))"
    with pytest.raises(
        UntranslatedCode, match="latent_dim, whose value is not in the file"
    ) as refusal:
        lines(old(code(text)), [(4,), (4,)])
    said = str(refusal.value)
    assert "    return args[0] + tf.random.normal((1, latent_dim))" in said
    assert "LOAD_GLOBAL" in said
    assert "def sampling(args):\n        raise NotImplementedError" in said
    assert "--custom" in said


REFUSED = [
    ("lambda x: __import__('os').system('true')", "__import__"),
    ("lambda x: eval('x')", "eval"),
    ("lambda x: open('/etc/passwd').read() and x", "open"),
    ("lambda x: x.__class__", "__class__"),
    ("lambda x: tf.py_function(print, [x], tf.float32)", "py_function"),
    ("lambda x: tf.no_such(x)", "no_such"),
    ("lambda x: K.mean(x, axis=1, other=2)", "other"),
    ("lambda x: x if x > 0 else -x", "values of a tensor"),
    ("lambda x: [k for k in x][0]", "taken apart"),
    ("lambda x: x[[0, 1]]", "index"),
    ("lambda x, training: x", "training"),
    ("lambda x, *more: x", "args"),
    ("lambda x: 3", "no tensor"),
    ("lambda x: x * 10 ** 10 ** 10", "too large"),
    ("lambda x: x + sum([1] * 10 ** 9)", "too long"),
    ("lambda x: sum([x for k in range(10 ** 9)])", "too many steps"),
    ("lambda x: sum([x for a in range(900) for b in range(900)])", "too many steps"),
    ("def f(x):\n    def f(y):\n        return f(y)\n    return f(x)", "too many steps|too deep"),
    ("lambda x: tf.reshape(x, (tf.shape(x)[0] * 2, -1)) if tf.shape(x)[0] > 2 else x", "free"),
    ("lambda x: K.learning_phase() * x", "learning_phase"),
    ("lambda x: x if K.image_data_format() == 'channels_last' else -x", "image_data_format"),
    ("lambda x: K.dot(x[:, None], x[:, None])", "no matrix"),
    ("lambda x: tf.reduce_mean(tf.cast(x, 'int32'), 1)", "whole numbers"),
    ("lambda x: K.mean(K.argmax(x))", "whole numbers"),
    ("lambda x: x if x.shape[0] is None else -x", "`is`"),
    ("lambda x: sum(tf.unstack(x, num=10 ** 9, axis=1))", "so many parts"),
    ("lambda x: [[y, y] for y in [x + x for k in range(1500)]]", "too many steps"),
    ("lambda x: {}[x]", "subscript"),
    ("lambda x: K.mean(3)", "plain values"),
    ("lambda x: tf.concat(x, 7)", "does not run|axis"),
    ("lambda x: np.linalg.norm(x)", "numpy.linalg.norm"),
    ("lambda x: x.numpy()", "numpy"),
    ("lambda x: tf.image.resize(x, (2, 2))", "images"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(UntranslatedCode, match=reason):
        lines(old(code(text)), [(4,)])


@pytest.mark.filterwarnings("ignore:Layer:UserWarning")
def test_a_mask_goes_to_a_function_that_asks_for_it() -> None:
    inputs = keras.Input((5, 3))
    masked = keras.layers.Masking()(inputs)
    outputs = keras.layers.Lambda(
        lambda x, mask=None: x * ops.cast(mask, "float32")[..., None], output_shape=(5, 3)
    )(masked)
    model = keras.Model(inputs, outputs)
    x = arrays([(5, 3)])[0]
    x[0, 3:] = 0
    twin = torchtwin.convert(model).module
    np.testing.assert_allclose(twin(torch.from_numpy(x)).numpy(), model.predict(x, verbose=0))
    assert lines(stored(lambda x, mask=None: x if mask is None else -x), [(5, 3)]) == ["return x"]


def test_images_keep_their_layout(tmp_path: Path) -> None:
    """What works on each element takes channels first; what has axes gets them as in Keras."""
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Lambda(lambda x: x / 255.0)(inputs)
    x = keras.layers.Conv2D(4, 3)(x)
    x = keras.layers.Lambda(lambda x: ops.concatenate([x, x[:, :, :, :2]], axis=-1))(x)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    model.save(tmp_path / "model.keras")
    twin = torchtwin.convert(tmp_path / "model.keras")
    body = twin.source.split("def forward")[1]
    assert body.index("x / 255.0") < body.index("self.conv2d(x)") < body.index("permute")
    images = arrays([(6, 6, 3)])[0]
    got = twin.module(torch.from_numpy(images.transpose(0, 3, 1, 2))).detach().numpy()
    np.testing.assert_allclose(got, model.predict(images, verbose=0), atol=1e-5)


def test_inside_each_step(tmp_path: Path) -> None:
    inputs = keras.Input((5, 4))
    inner = keras.layers.Lambda(lambda x: ops.sum(x, axis=-1, keepdims=True) * x)
    model = keras.Model(inputs, keras.layers.TimeDistributed(inner)(inputs))
    model.save(tmp_path / "model.keras")
    x = arrays([(5, 4)])[0]
    got = torchtwin.convert(tmp_path / "model.keras").module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, model.predict(x, verbose=0), atol=1e-5)


def test_resizes_of_tensorflow_1_are_refused() -> None:
    config = old(code("lambda x: tf.image.resize(x, (8, 8))"))
    assert "bilinear" in lines(config, [(4, 4, 3)])[0]
    with pytest.raises(UntranslatedCode, match="TensorFlow 1"):
        ran(config, arrays([(4, 4, 3)]), "2.2.4-tf")


def test_copies_of_copies_are_refused() -> None:
    """Sixty doublings are 2**60 additions for whoever follows them."""

    def doubled(count: int) -> dict[str, Any]:
        body = "\n".join("    x = x + x" for _ in range(count))
        return old(code(f"def f(x):\n{body}\n    return x"))

    assert len(lines(doubled(6), [(4,)])) == 6
    with pytest.raises(UntranslatedCode, match="too long"):
        lines(doubled(60), [(4,)])


def test_several_results(tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    first, second = keras.layers.Lambda(lambda x: [x[:, :2], ops.exp(x)])(inputs)
    model = keras.Model(inputs, [first, second])
    model.save(tmp_path / "model.keras")
    x = arrays([(4,)])[0]
    got = torchtwin.convert(tmp_path / "model.keras").module(torch.from_numpy(x))
    for ours, theirs in zip(got, model.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-6)


def test_code_in_a_file_is_never_run(tmp_path: Path) -> None:
    """The function would leave a file behind."""
    trace = tmp_path / "trace"
    inputs = keras.Input((4,))
    evil = eval(f"lambda x: open({str(trace)!r}, 'w') and x")
    outputs = keras.layers.Lambda(evil, output_shape=(4,))(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    trace.unlink(missing_ok=True)
    with pytest.raises(UntranslatedCode):
        torchtwin.convert(tmp_path / "model.keras")
    assert not trace.exists()


@pytest.mark.parametrize(
    "function",
    [
        None, 3, [], [None, None, None], ["", None, None], ["AAAA", None, None], {"class_name": 3},
        {"class_name": "__lambda__", "config": None}, ["é" * 9, None, None], ["\ud800", 1, 2],
        {"class_name": "__lambda__", "config": {"code": "x" * (1 << 20)}},
    ],
)  # fmt: skip
def test_malformed(function: Any) -> None:
    with pytest.raises(TorchTwinError):
        lines({"function": function, "function_type": "lambda"}, [(4,)])


def test_verify_tells_that_code_is_not_run(tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    outputs = keras.layers.Lambda(lambda x: x * 2)(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    torchtwin.convert(tmp_path / "model.keras").save(tmp_path / "out")
    report = torchtwin.verify(tmp_path / "model.keras", tmp_path / "out")
    assert report.verdict == "not verified"
    assert "Python code (Lambda), which is not run" in str(report)
