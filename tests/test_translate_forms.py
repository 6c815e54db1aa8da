"""Forms of programs: before and after, on a few lines each."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from torchtwin import translate

HEAD = "import tensorflow as tf\nimport keras\nfrom keras import layers\n\n\n"


def program_of(text: str) -> str:
    """Return the program itself as translated, without imports and helpers."""
    made = translate(HEAD + text)
    assert not made.unresolved
    return made.source[made.source.index(text.splitlines()[0].partition("(")[0]) :]


def test_asserted_shapes_are_comments() -> None:
    text = (
        "def make():\n    model = keras.Sequential()\n    model.add(layers.Dense(4))\n"
        "    assert model.output_shape == (None, 4)  # a note\n    model.add(layers.Dense(2))\n"
        "    assert model.output_shape == (None, 2)\n    return model\n"
    )
    assert program_of(text) == (
        "def make():\n    model = nn.Sequential(\n        LazyLinear(4),\n"
        "        # model.output_shape == (None, 4)  # a note\n        LazyLinear(2),\n    )\n"
        "    # model.output_shape == (None, 2)\n    return model\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("act=keras.activations.swish", "act=F.silu"),
        ("act=tf.nn.relu", "act=F.relu"),
        ("first=keras.initializers.HeNormal", "first=ScaledVariance(2.0)"),
        ("dtype=tf.float32", "dtype=torch.float32"),
        ("conv=layers.Conv2D", "conv=Conv2dBase"),
    ],
)
def test_defaults_of_parameters(before: str, after: str) -> None:
    found = program_of(f"def made({before}):\n    return layers.Dense(3)\n")
    assert found.startswith(f"def made({after}):\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("norm()", "lambda: LazyBatchNorm()"),
        ("norm(epsilon=1e-5, name='n')", "lambda epsilon, name: LazyBatchNorm(eps=epsilon)"),
        (
            "norm(0), norm(1, epsilon=2)",
            "lambda axis, epsilon=0.001: LazyBatchNorm(dim=axis, eps=epsilon)",
        ),
    ],
)
def test_a_class_as_default_takes_what_it_is_called_with(before: str, after: str) -> None:
    text = f"def made(norm=layers.BatchNormalization):\n    return {before}\n"
    assert program_of(text).startswith(f"def made(norm=({after})):\n")


@pytest.mark.parametrize("body", ["other(norm)", "norm, norm()", "norm(*options)"])
def test_a_class_whose_calls_are_not_seen_is_no_default(body: str) -> None:
    text = f"def made(norm=layers.LayerNormalization):\n    return {body}\n"
    made = translate(HEAD + text)
    assert [each.name for each in made.unresolved] == ["keras.layers.LayerNormalization"]


def test_lengths_of_a_shape_need_no_unstacking() -> None:
    text = "def lengths(x):\n    b, c = tf.unstack(tf.shape(x))\n    return tf.reshape(x, (c, b))\n"
    assert "b, c = x.shape" in program_of(text)


@pytest.mark.parametrize(
    ("first", "device"),
    [("mean, spread = inputs", ", device=mean.device"), ("few = 3", "")],
)
def test_new_tensors_are_where_unpacked_inputs_are(first: str, device: str) -> None:
    text = (
        "class Noise(layers.Layer):\n    def call(self, inputs):\n"
        f"        {first}\n        mean, spread = inputs\n"
        "        return mean + spread * tf.random.normal((3,))\n"
    )
    assert f"torch.randn(3{device})" in program_of(text)


def test_shapes_that_are_computed_with_are_tuples_and_lists() -> None:
    text = (
        "def shapes(x, factor):\n    size = tf.shape(x)[1:3] * factor\n"
        "    count = tf.shape(x)[0]\n"
        "    times = tf.concat([count[..., tf.newaxis], tf.constant([1, 1])], 0)\n"
        "    more = tf.concat([tf.shape(x)[:1], [2], tf.expand_dims(count, 0)], axis=0)\n"
        "    return tf.tile(x, times), size, more\n"
    )
    assert program_of(text) == (
        "def shapes(x, factor):\n    size = [n * factor for n in x.shape[1:3]]\n"
        "    count = x.shape[0]\n    times = (count, 1, 1)\n"
        "    more = (*x.shape[:1], 2, count)\n    return x.tile(times), size, more\n"
    )


def test_scopes_of_names_go_and_their_comments_stay() -> None:
    text = (
        "def made(x):\n    # above\n    with tf.name_scope('block'):  # beside\n"
        "        with keras.backend.name_scope('inner'):\n            # inside\n"
        "            x = tf.nn.relu(x)\n    return x\n"
    )
    assert program_of(text) == (
        "def made(x):\n    # above\n    # beside\n    # inside\n"
        "    x = F.relu(torch.as_tensor(x))\n    return x\n"
    )


HOOKS = (
    "class Blend(layers.Add):\n    def _merge_function(self, inputs):\n        return inputs[0]\n",
    "class Sums(layers.GroupNormalization):\n    def _moments(self, x):\n        return x\n",
)


def test_what_a_class_changes_inside_a_layer() -> None:
    assert "def merge(self, inputs):" in program_of(HOOKS[0])
    made = translate(HEAD + HOOKS[1])
    assert ["_moments changes" in each.reason for each in made.unresolved] == [True]


def test_a_variable_of_a_computed_value() -> None:
    text = (
        "class Masked(layers.Layer):\n    def build(self, shape):\n"
        "        mask = tf.ones((2, 2))\n        self.mask = keras.Variable(\n"
        "            initializer=mask, shape=mask.shape, dtype=mask.dtype, trainable=False)\n"
        "    def call(self, x):\n        return x * self.mask\n"
    )
    assert "self.mask = nn.Parameter(mask, requires_grad=False)" in program_of(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "functools.partial(layers.LayerNormalization, epsilon=1e-5)",
            "= lambda: LazyLayerNorm(eps=1e-05)\n",
        ),
        ("functools.partial(layers.Conv2D, padding='same')", "partial(Conv2dBase, padding='same')"),
        ("tf.matmul(tf.split(x, 2), x)", "torch.stack(x.chunk(2, dim=0)) @ x"),
        ("tf.switch_case(k, [lambda: x, lambda: -x])", "branch_of(k, [lambda: x, lambda: -x])"),
        ("keras.ops.associative_scan(keras.ops.add, x)", "scan_pairs(torch.add, x)"),
    ],
)
def test_values(before: str, after: str) -> None:
    text = f"def made(x, k):\n    parts = {before}\n    return parts\n"
    made = translate(HEAD + "import functools\n\n" + text)
    assert not made.unresolved
    assert after in made.source


def test_a_function_of_layers_without_weights_may_be_handed_around() -> None:
    text = (
        "def hard_swish(x):\n    return x * layers.ReLU(6.0)(x + 3.0) / 6.0\n\n\n"
        "conv = layers.Conv2D(3, 3, activation=hard_swish)\n"
    )
    assert "return x * nn.ReLU6()(x + 3.0) / 6.0" in program_of(text)


def test_new_tensors_of_functions_and_transposed_matrices() -> None:
    text = (
        "def causal(x):\n    n = tf.shape(x)[1]\n    return tf.eye(n)\n\n\n"
        "class Turned(layers.Layer):\n    def build(self, shape):\n"
        "        self.w = self.add_weight(shape=(3, 4), name='w')\n"
        "    def call(self, x):\n        return tf.matmul(x, tf.transpose(self.w))\n"
    )
    made = program_of(text)
    assert "torch.eye(n, device=x.device)" in made
    assert "return x @ self.w.T\n" in made


def test_layers_are_given_arrays_as_tensors() -> None:
    text = (
        "class Placed(layers.Layer):\n    def __init__(self):\n        super().__init__()\n"
        "        self.dense = layers.Dense(4)\n        self.grid = np.zeros((2, 3))\n"
        "    def call(self, x):\n        return x + self.dense(self.grid)\n"
    )
    made = translate("import numpy as np\n" + HEAD + text)
    given = "torch.as_tensor(self.grid, dtype=torch.get_default_dtype())"
    assert f"return x + self.dense({given})\n" in made.source


def test_layers_that_a_program_counts_are_those_of_the_graph() -> None:
    head = "i = keras.Input((4,))\nx = layers.Dense(3)(i)\nmodel = keras.Model(i, x)\n"
    assert "class Net(nn.Module)" in translate(HEAD + head).source
    counted = [
        "model.layers[1].trainable = False\n",
        "outputs = [layer.output for layer in model.layers]\nparts = keras.Model(i, outputs)\n",
    ]
    for text in counted:
        made = translate(HEAD + head + text)
        assert not made.unresolved
        assert "Graph(i, x)" in made.source


@pytest.mark.parametrize(
    "text",
    ["config = model.layers[0].get_config()", "[x for x in model.layers if 'a' in x.name]"],
)
def test_what_keras_alone_knows_of_layers_is_refused(text: str) -> None:
    made = translate(HEAD + "model = keras.Sequential([layers.Dense(3)])\n" + text + "\n")
    assert [each.line for each in made.unresolved] == [7]


def test_an_import_that_comes_late_is_none_for_helpers() -> None:
    text = "x = keras.utils.get_file('a', 'https://a.b/c')\nimport os\nprint(os.sep)\n"
    source = translate(HEAD + text).source
    assert source.count("import os\n") == 2


def test_a_module_is_called_in_its_mode_by_a_graph() -> None:
    """A frozen part that is made trainable later goes on without dropout and batch statistics."""
    text = (
        "a = keras.Input((4,))\nb = layers.BatchNormalization()(a)\nbase = keras.Model(a, b)\n"
        "print(base.layers[1])\ni = keras.Input((4,))\nx = base(i, training=False)\n"
        "x = layers.Dropout(0.5)(x, training=True)\nmodel = keras.Model(i, x)\n"
    )
    made = translate(HEAD + text)
    assert not made.unresolved
    names: dict[str, Any] = {}
    exec(made.source, names)
    model, x = names["model"], torch.randn(64, 4)
    before = [buffer.clone() for buffer in model.buffers()]
    for mode in (True, False):
        y = model.train(mode)(x)
        assert (y == 0).any()
        torch.testing.assert_close(y[y != 0], 2 * x[y != 0], rtol=1e-3, atol=0.0)
        assert all(part.training is mode for part in model.modules())
    assert all(map(torch.equal, before, model.buffers()))


def test_layers_of_a_model_are_given_arrays() -> None:
    text = (
        "import numpy as np\n\n\nclass Net(keras.Model):\n    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.head = layers.Dense(2)\n    def call(self, x):\n"
        "        return self.head(x)\n\n\n"
        "net = Net()\nnet.compile('sgd', 'mse')\nx = np.ones((4, 3))\ny = net.head(x)\n"
        "z = net.head(x[:2], training=False)\n"
    )
    names: dict[str, Any] = {}
    exec(translate(HEAD + text).source, names)
    assert torch.equal(names["y"][:2], names["z"])


def test_a_strategy_shares_batches_among_one_device() -> None:
    text = (
        "import tensorflow as tf\nstrategy = tf.distribute.MirroredStrategy()\n"
        "size = 32 * strategy.num_replicas_in_sync\nwith strategy.scope():\n    # inside\n"
        "    model = keras.Sequential([layers.Dense(3)])\n"
    )
    made = translate(HEAD + text)
    assert not made.unresolved
    assert "replicas = 1  # one device" in made.source
    assert "size = 32 * replicas\n# inside\nmodel = " in made.source
    passed_on = translate(HEAD + text + "train(strategy)\n")
    assert [each.line for each in passed_on.unresolved] == [7]


def test_strings_do_not_end_the_f_string_around_them() -> None:
    made = translate(HEAD + "print(f\"runs on '{keras.backend.backend()}'\")\n")
    assert not made.unresolved
    compile(made.source, "program.py", "exec")
    assert "f\"runs on '{'" in made.source


def test_weights_that_are_listed_are_those_of_known_layers() -> None:
    head = "dense = layers.Dense(3)\n"
    made = translate(
        HEAD + head + "def f(x):\n    return x @ dense.weights[0] + dense.weights[1]\n"
    )
    assert not made.unresolved
    assert "x @ kernel_of(dense) + bias_of(dense)" in made.source
    refused = translate(
        HEAD + head + "norm = layers.BatchNormalization()\nprint(norm.weights[0])\n"
    )
    assert [(each.line, each.name) for each in refused.unresolved] == [(8, "norm.weights")]
    sizes = translate(HEAD + head + "print(dense.units)\n")
    assert "weighted(dense).out_features" in sizes.source
