"""Models of every version of Keras: their form, their inputs, their wrappers and nesting."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reader_support import corpus_files, layers_in
from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.upgrade import upgraded
from upgrade_support import entry, layer, model, up


@pytest.mark.parametrize("version", ["1.2.2", "2.2.4", "3.1.0"])
def test_bare_list_sequential_gets_name_and_input(version: str) -> None:
    given = {
        "class_name": "Sequential",
        "config": [
            entry("Dense", units=3, batch_input_shape=[None, 4]),
            entry("Activation", name="y"),
        ],
    }
    assert up(given, version) == {
        "class_name": "Sequential",
        "config": {
            "name": "sequential",
            "trainable": True,
            "layers": [
                {"class_name": "InputLayer", "name": "x_input",
                 "config": {"name": "x_input", "batch_shape": [None, 4], "dtype": "float32"}},
                {"class_name": "Dense", "name": "x", "config": {"name": "x", "units": 3}},
                {"class_name": "Activation", "name": "y", "config": {"name": "y"}},
            ],
        },
    }  # fmt: skip


def input_shape(given: dict[str, Any], version: str = "2.4.0") -> Any:
    first = up(given, version)["config"]["layers"][0]
    return first["config"]["batch_shape"] if first["class_name"] == "InputLayer" else None


FUNCTIONAL = {
    "class_name": "Model",
    "config": {
        "name": "inner",
        "layers": [
            {**entry("InputLayer", name="i", batch_input_shape=[None, 5]), "inbound_nodes": []},
            {**entry("Dense", name="d"), "name": "d", "inbound_nodes": [[["i", 0, 0, {}]]]},
        ],
        "input_layers": [["i", 0, 0]],
        "output_layers": [["d", 0, 0]],
    },
}

SHAPES = [
    (model(entry("Dense", batch_input_shape=[None, 4])), [None, 4]),
    (model(entry("Dense"), build_input_shape=[None, 4]), [None, 4]),
    (model(entry("Dense", input_dim=4)), [None, 4]),
    (model(entry("LSTM", input_dim=4, input_length=9)), [None, 9, 4]),
    (model(entry("Convolution1D", input_dim=4)), [None, None, 4]),
    (model(entry("Embedding", input_dim=99, output_dim=3, input_length=9)), [None, 9]),
    (model(entry("Embedding", input_dim=99, output_dim=3)), None),
    (model(model(entry("Dense", batch_input_shape=[None, 4]))), [None, 4]),
    (model(FUNCTIONAL, entry("Dense")), [None, 5]),
    (model(entry("Bidirectional", layer=entry("LSTM", batch_input_shape=[None, 9, 4]))),
     [None, 9, 4]),
    (model({**entry("Dense"), "build_config": {"input_shape": [None, 4]}}), [None, 4]),
    (model(entry("Dense", batch_input_shape={"class_name": "__tuple__", "items": [2, 4]})), [2, 4]),
    (model(entry("Dense")), None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), SHAPES)
def test_input_shape_of_a_sequential(given: dict[str, Any], wanted: Any) -> None:
    assert input_shape(given) == wanted


@pytest.mark.parametrize(
    ("dtype", "wanted"), [("float16", "float16"), ("mixed_float16", "float32"), (None, "float32")]
)
def test_input_layer_has_the_dtype_of_the_first_layer(dtype: str | None, wanted: str) -> None:
    """A twin of a mixed model computes in float32; what is lower there is autocast's."""
    given = entry("Dense", batch_input_shape=[None, 4], dtype=dtype)
    assert up(model(given))["config"]["layers"][0]["config"]["dtype"] == wanted


def test_name_of_the_added_input_is_free() -> None:
    names = [entry("Dense", batch_input_shape=[None, 4]), entry("Dense", name="x_input")]
    layers = up(model(*names))["config"]["layers"]
    assert len({each["name"] for each in layers}) == 3


def test_functional_models_at_any_depth() -> None:
    wrapped = entry("TimeDistributed", layer=FUNCTIONAL, batch_input_shape=[None, 3, 5])
    result = up(model(wrapped))["config"]["layers"][1]
    inner = result["config"]["layer"]
    assert inner["class_name"] == "Functional"
    assert inner["config"]["layers"][0] == {
        "class_name": "InputLayer",
        "name": "i",
        "config": {"name": "i", "batch_shape": [None, 5], "dtype": "float32"},
        "inbound_nodes": [],
    }
    assert inner["config"]["layers"][1]["inbound_nodes"] == [[["i", 0, 0, {}]]]


def test_bidirectional_has_both_layers_by_name() -> None:
    lstm = entry("LSTM", name="lstm", units=2, recurrent_activation="sigmoid")
    result = layer(entry("Bidirectional", layer=lstm))
    assert result["layer"]["config"] | {"name": "", "go_backwards": True} == {
        **result["backward_layer"]["config"], "name": "",
    }  # fmt: skip
    assert result["layer"]["name"] == "forward_lstm"
    assert result["backward_layer"]["config"]["name"] == "backward_lstm"
    again = layer(entry("Bidirectional", **{k: v for k, v in result.items() if k != "class_name"}))
    assert again == result


def test_attentions_old_argument_causal() -> None:
    """Until 2.10 the layer was causal, since then its call is."""
    given = copy.deepcopy(FUNCTIONAL)
    given["config"]["layers"][1] = {  # type: ignore[index]
        **entry("Attention", causal=True),
        "inbound_nodes": [[["i", 0, 0], ["i", 0, 0]]],
    }  # fmt: skip
    result = up(given)["config"]["layers"][1]
    assert "causal" not in result["config"]
    assert result["inbound_nodes"] == [[["i", 0, 0, {"use_causal_mask": True}], ["i", 0, 0]]]


def test_authors_classes_are_kept() -> None:
    given = {**entry("Mine", a={"class_name": "__tuple__", "items": [1]}), "module": "author",
             "registered_name": "Package>Mine"}  # fmt: skip
    result = up(model(given), "3.2.0")["config"]["layers"][0]
    assert result == {
        "class_name": "Mine", "name": "x", "config": {"name": "x", "a": (1,)}, "module": "author",
        "registered_name": "Package>Mine",
    }  # fmt: skip
    old = up(model(entry("Package>Mine")))["config"]["layers"][0]
    assert (old["class_name"], old["registered_name"]) == ("Mine", "Package>Mine")
    assert "module" not in up(model({**entry("Dense"), "module": "keras.layers"}))["config"][
        "layers"][0]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "config"),
    [({"module": "keras.src.ops.numpy"}, {"name": "x"}), ({}, {"name": "x"})],
)
def test_operations_are_told_from_layers(more: dict[str, Any], config: dict[str, Any]) -> None:
    """keras.ops.Add is not the layer Add; Keras 3's HDF5 writer does not say which it is."""
    calls = [{"args": [], "kwargs": {}}]
    given = model({"class_name": "Add", "config": config, "inbound_nodes": calls, **more})
    assert up(given, "3.5.0")["config"]["layers"][0]["module"] == "keras.ops"
    given["config"]["layers"][0] = {
        "class_name": "Add", "config": {**config, "trainable": True}, "inbound_nodes": calls,
    }  # fmt: skip
    assert "module" not in up(given, "3.5.0")["config"]["layers"][0]


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ({"mode": "sum"}, ("Add", {})),
        ({"mode": "mul"}, ("Multiply", {})),
        ({"mode": "ave"}, ("Average", {})),
        ({"mode": "max"}, ("Maximum", {})),
        ({"mode": "concat", "concat_axis": 1}, ("Concatenate", {"axis": 1})),
        ({"mode": "dot", "dot_axes": [1, 2]}, ("Dot", {"axes": [1, 2], "normalize": False})),
    ],
)
def test_merge_of_keras_1(mode: dict[str, Any], wanted: tuple[str, dict[str, Any]]) -> None:
    result = layer(entry("Merge", output_shape=None, arguments={}, **mode), "1.2.2")
    assert result == {"class_name": wanted[0], **wanted[1]}


@pytest.mark.parametrize("mode", ["cos", {"module": "os"}, "nosuch"])
def test_merge_that_is_refused(mode: Any) -> None:
    with pytest.raises(UnsupportedError, match="Merge"):
        layer(entry("Merge", mode=mode), "1.2.2")


def branch(name: str, size: int) -> dict[str, Any]:
    given = entry("Dense", name=name, output_dim=2, batch_input_shape=[None, size])
    return {"class_name": "Sequential", "config": [given]}


def test_sequential_that_begins_with_a_merge() -> None:
    merge = entry("Merge", name="merge", mode="concat", concat_axis=-1,
                  layers=[branch("a", 3), branch("b", 4)])  # fmt: skip
    given = {"class_name": "Sequential", "config": [merge, entry("Dense", output_dim=1)]}
    result = up(given, "1.2.2")
    assert result["class_name"] == "Functional"
    config = result["config"]
    assert [e["name"] for e in config["layers"]] == ["a_input", "a", "b_input", "b", "merge", "x"]
    assert config["input_layers"] == [["a_input", 0, 0], ["b_input", 0, 0]]
    assert config["output_layers"] == [["x", 0, 0]]
    calls = {e["name"]: e["inbound_nodes"] for e in config["layers"]}
    assert calls["a"] == [[["a_input", 0, 0, {}]]]
    assert calls["merge"] == [[["a", 0, 0, {}], ["b", 0, 0, {}]]]
    assert calls["x"] == [[["merge", 0, 0, {}]]]


def test_batch_normalization_of_another_mode_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="mode"):
        layer(entry("BatchNormalization", mode=2), "1.2.2")


@pytest.mark.parametrize(
    "given",
    [
        {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": [1]}]},
        {"class_name": "Sequential", "config": {"layers": 3}},
        {"class_name": "Sequential", "config": [{"config": {}}]},
        {"class_name": "Model", "config": {"layers": [3], "input_layers": [], "output_layers": []}},
        model(entry("Bidirectional", layer=None)),
    ],
)
def test_configs_that_do_not_fit_together(given: dict[str, Any]) -> None:
    with pytest.raises(
        UnreadableModel, match=r"does not fit together|no list|no object|class_name"
    ):
        up(given)


def test_error_says_where() -> None:
    inner = model(entry("Bidirectional", name="b", layer=7))
    with pytest.raises(UnreadableModel) as refusal:
        up(model({**inner, "name": "inner"}))
    assert refusal.value.where == "inner/b"


LEFTOVERS = {
    "batch_input_shape", "input_length", "time_major", "implementation", "alpha_", "nb_filter",
    "border_mode", "dim_ordering", "output_dim_", "inner_activation", "shared_object_id",
    "build_config", "reset_after_", "fused", "virtual_batch_size", "W_regularizer", "consume_less",
}  # fmt: skip


@pytest.mark.skipif(not corpus_files("real"), reason="the corpora are not here")
def test_nothing_old_is_left_in_real_models() -> None:
    from torchtwin.errors import TorchTwinError
    from torchtwin.readers import read

    count = 0
    for path, weights in corpus_files("real", "real_custom", "keras_layers"):
        try:
            source = read(path, weights)
        except TorchTwinError:
            continue
        for each in layers_in(upgraded(source).config):
            assert not LEFTOVERS & set(each["config"]), (path, each)
            assert isinstance(each["config"].get("dtype", ""), str | dict)
            if each["class_name"] == "Sequential":
                assert each["config"]["layers"][0]["class_name"] == "InputLayer", path
            count += 1
    assert count > 1500
