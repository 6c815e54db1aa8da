"""Binding: every variable gets its array, or the error names the layer and both shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from torchtwin.binding import Holder, Variable, bind
from torchtwin.errors import UnreadableModel
from torchtwin.source import Array, Ordered, Source, Tree

NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def array(name: str, *shape: int) -> Array:
    return Array(name, shape, "float32", lambda: np.zeros(shape, "f4"))


def ordered(**groups: list[Array]) -> Source:
    return Source({}, "2.4.0", "test", Ordered({k: tuple(v) for k, v in groups.items()}))


def tree(**shapes: tuple[int, ...]) -> Source:
    return Source({}, "3.0.0", "test", Tree({k: array(k, *v) for k, v in shapes.items()}))


def dense(name: str, i: int, o: int, trainable: bool = True) -> Holder:
    return Holder(name, "Dense", trainable, (Variable("kernel", (i, o)), Variable("bias", (o,))))


def norm(name: str, size: int, trainable: bool = True) -> Holder:
    variables = tuple(Variable(n, (size,), not n.startswith("moving")) for n in NORM)
    return Holder(name, "BatchNormalization", trainable, variables)


def plain(name: str, class_name: str = "Dropout") -> Holder:
    return Holder(name, class_name, True)


def nested(name: str, *children: Holder, trainable: bool = True, **more: Any) -> Holder:
    return Holder(name, "Functional", trainable, (), children, **more)


def names(bound: dict[str, Array]) -> dict[str, str]:
    return {key: value.name for key, value in bound.items()}


def dense_arrays(name: str, i: int, o: int) -> list[Array]:
    return [array(f"{name}/kernel:0", i, o), array(f"{name}/bias:0", o)]


def problem(holders: list[Holder], source: Source) -> str:
    with pytest.raises(UnreadableModel) as refusal:
        bind(holders, source)
    return refusal.value.problem


def test_by_name_whatever_the_order() -> None:
    source = ordered(b=dense_arrays("b", 3, 2), drop=[], a=dense_arrays("a", 3, 2))
    got = bind([dense("a", 3, 2), plain("drop"), dense("b", 3, 2)], source)
    assert names(got) == {
        "a/kernel": "a/kernel:0", "a/bias": "a/bias:0",
        "b/kernel": "b/kernel:0", "b/bias": "b/bias:0",
    }  # fmt: skip


def test_in_order_when_the_names_are_others() -> None:
    source = ordered(dense_7=dense_arrays("dense_7", 3, 2), d=[], dense_8=dense_arrays("x", 2, 2))
    got = bind([plain("i", "InputLayer"), dense("a", 3, 2), dense("b", 2, 2)], source)
    assert names(got)["a/kernel"] == "dense_7/kernel:0"
    assert names(got)["b/kernel"] == "x/kernel:0"


def test_names_of_another_session_do_not_mislead() -> None:
    """The file's dense_1 is the model's first layer, although the model's second is dense_1."""
    source = ordered(dense_1=dense_arrays("dense_1", 2, 2), dense_2=dense_arrays("dense_2", 2, 2))
    got = bind([dense("dense", 2, 2), dense("dense_1", 2, 2)], source)
    assert names(got)["dense/kernel"] == "dense_1/kernel:0"
    assert names(got)["dense_1/kernel"] == "dense_2/kernel:0"


def test_inner_names_of_another_session_do_not_mislead() -> None:
    source = ordered(m=dense_arrays("dense_1", 2, 2) + dense_arrays("dense_2", 2, 2))
    got = bind([nested("m", dense("dense", 2, 2), dense("dense_1", 2, 2))], source)
    assert names(got)["m/dense/kernel"] == "dense_1/kernel:0"
    assert names(got)["m/dense_1/kernel"] == "dense_2/kernel:0"


def trainable_first(*layers: str) -> list[Array]:
    return [array(f"{layer}/{n}:0", 2) for half in (NORM[:2], NORM[2:])
            for layer in layers for n in half]  # fmt: skip


def layer_by_layer(*layers: str) -> list[Array]:
    return [array(f"{layer}/{n}:0", 2) for layer in layers for n in NORM]


def by_name(*layers: str) -> dict[str, str]:
    return {f"m/{layer}/{n}": f"{layer}/{n}:0" for layer in layers for n in NORM}


def test_nested_trainable_ones_come_first() -> None:
    holder = nested("m", norm("a", 2), norm("b", 2))
    assert names(bind([holder], ordered(m=trainable_first("a", "b")))) == by_name("a", "b")


def test_frozen_layer_moves_all_its_variables() -> None:
    holder = nested("m", norm("a", 2, trainable=False), norm("b", 2))
    arrays = [*trainable_first("b")[:2], *layer_by_layer("a"), *trainable_first("b")[2:]]
    assert names(bind([holder], ordered(m=arrays))) == by_name("a", "b")


@pytest.mark.parametrize("order", [trainable_first, layer_by_layer])
def test_frozen_model_in_either_order(order: Any) -> None:
    """tf.keras froze the layers too and listed them whole; Keras 2 listed trainable ones first."""
    holder = nested("m", norm("a", 2), norm("b", 2), trainable=False)
    assert names(bind([holder], ordered(m=order("a", "b")))) == by_name("a", "b")


@pytest.mark.parametrize(
    ("model", "layer", "order"),
    [
        ("trains", "trains", "a b d e c"),
        ("trains", "frozen", "d e a b c"),
        ("frozen", "trains", "a b c d e"),  # tf.keras froze the layers with the model
        ("frozen", "trains", "a b d e c"),  # Keras 2 did not
        ("frozen", "frozen", "d e a b c"),
    ],
)
def test_order_alone(model: str, layer: str, order: str) -> None:
    """Without telling names, the shapes must agree with one of the orders that writers had."""
    shapes = {name: (size,) for size, name in enumerate("abcde")}
    first = [Variable(name, shapes[name], trainable=name != "c") for name in "acb"]
    second = [Variable(name, shapes[name]) for name in "de"]
    holder = nested(
        "m",
        Holder("x", "Mine", layer == "trains", tuple(first)),
        Holder("y", "Mine", True, tuple(second)),
        trainable=model == "trains",
    )
    arrays = [array(f"w{k}", *shapes[name]) for k, name in enumerate(order.split())]
    bound = bind([holder], ordered(m=arrays))
    assert {key[-1]: value.shape for key, value in bound.items()} == shapes


def test_names_decide_where_the_order_contradicts() -> None:
    arrays = layer_by_layer("a", "b")
    shuffled = [arrays[k] for k in (3, 1, 0, 2, 7, 6, 5, 4)]
    holder = nested("m", norm("a", 2), norm("b", 2))
    assert names(bind([holder], ordered(m=shuffled))) == by_name("a", "b")


def test_contradiction_without_telling_names_is_refused() -> None:
    arrays = [array("gamma:0", 2), array("gamma:0", 2), array("beta:0", 2), array("x:0", 2)]
    assert "'m'" in problem([norm("m", 2)], ordered(m=arrays))


def test_names_that_tell_nothing_go_by_order() -> None:
    """Keras 1 called them dense_1_W and dense_1_b."""
    source = ordered(a=[array("dense_1_W:0", 3, 2), array("dense_1_b:0", 2)])
    assert names(bind([dense("a", 3, 2)], source))["a/kernel"] == "dense_1_W:0"


def test_numbered_names() -> None:
    source = ordered(a=[array("bias_1:0", 2), array("kernel_1:0", 2, 2)])
    assert names(bind([dense("a", 2, 2)], source))["a/kernel"] == "kernel_1:0"


def test_all_that_does_not_fit_is_listed() -> None:
    source = ordered(a=dense_arrays("a", 4, 2), c=dense_arrays("c", 9, 9))
    text = problem([dense("a", 3, 2), dense("b", 5, 2), dense("d", 1, 1)], source)
    assert "'a/kernel' has the shape (3, 2) in the model and (4, 2) in the file" in text
    assert "'b/kernel' of the shape (5, 2) is missing in the file" in text
    assert "'d/bias' of the shape (1,) is missing in the file" in text
    assert "'c: c/kernel:0' (9, 9) belongs to no layer" in text
    assert "1 more" in text


def test_missing_and_unused_in_one_layer() -> None:
    assert "'a/bias' of the shape (2,) is missing in the file" in problem(
        [dense("a", 3, 2)], ordered(a=[array("a/kernel:0", 3, 2)])
    )
    arrays = [*dense_arrays("a", 3, 2), array("a/extra:0", 7)]
    assert "extra" in problem([dense("a", 3, 2)], ordered(a=arrays))


def test_no_weights_at_all() -> None:
    with pytest.raises(UnreadableModel, match="without weights") as refusal:
        bind([dense("a", 3, 2)], Source({}, "3", "test"))
    assert "--weights" in refusal.value.hint


ADAPTED = Holder(
    "n", "Normalization", True, (Variable("mean", (3,), False), Variable("variance", (3,), False))
)


def test_what_is_no_weight_is_ignored() -> None:
    arrays = [array("n/mean:0", 3), array("n/variance:0", 3), array("n/count:0")]
    seed = [array("seed_generator_state", 2)]
    assert set(bind([ADAPTED], ordered(n=arrays, drop=seed))) == {"n/mean", "n/variance"}
    source = tree(**{
        "layers/normalization/vars/0": (3,), "layers/normalization/vars/1": (3,),
        "layers/normalization/vars/2": (), "metrics/mean/vars/0": (),
        "layers/dropout/seed_generator/vars/0": (2,), "optimizer/vars/0": (),
        "layers/random_flip/_random_generator/_generator/vars/0": (3,),
    })  # fmt: skip
    assert set(bind([ADAPTED], source)) == {"n/mean", "n/variance"}
    with pytest.raises(UnreadableModel, match="count"):
        bind([dense("a", 3, 2)], ordered(a=[*dense_arrays("a", 3, 2), array("count:0")]))


def dense_tree(*groups: str, size: int = 2) -> dict[str, tuple[int, ...]]:
    return {f"{g}/vars/{k}": s for g in groups for k, s in enumerate(((size, size), (size,)))}


def test_tree_counts_layers_by_class() -> None:
    source = tree(**dense_tree("layers/dense", "layers/dense_1"))
    holders = [plain("i", "InputLayer"), dense("z", 2, 2), plain("d"), dense("a", 2, 2)]
    got = names(bind(holders, source))
    assert got["z/kernel"] == "layers/dense/vars/0"
    assert got["a/bias"] == "layers/dense_1/vars/1"


def test_tree_counts_layers_without_variables() -> None:
    """The third wrapper is number 2, though the second one holds nothing."""

    def wrapper(name: str, *variables: Variable) -> Holder:
        return Holder(name, "TimeDistributed", True, variables)

    holders = [wrapper("a", Variable("layer/kernel", (2,))), wrapper("b"),
               wrapper("c", Variable("layer/kernel", (2,)))]  # fmt: skip
    keys = {"layers/time_distributed/layer/vars/0": (2,),
            "layers/time_distributed_2/layer/vars/0": (2,)}  # fmt: skip
    assert names(bind(holders, tree(**keys)))["c/layer/kernel"] == list(keys)[1]


@pytest.mark.parametrize(
    "groups",
    [
        ["_layer_checkpoint_dependencies/dense", "_layer_checkpoint_dependencies/dense_2"],
        ["layers/dense", "layers/dense_1"],
        ["_functional/layers/dense", "_functional/layers/dense_1"],
        ["layers/dense_9", "layers/dense_10"],
    ],
)
def test_tree_by_other_writers(groups: list[str]) -> None:
    got = names(bind([dense("x", 2, 2), dense("y", 2, 2)], tree(**dense_tree(*groups))))
    assert got["x/kernel"] == f"{groups[0]}/vars/0"
    assert got["y/kernel"] == f"{groups[1]}/vars/0"


def test_tree_of_nested_models() -> None:
    inside = nested("time", dense("d", 2, 2), under="layer/layers")
    wrapped = Holder("w", "TimeDistributed", True, (), inside.children, "layer/layers")
    holders = [nested("m", plain("i", "InputLayer"), dense("d", 2, 2)), wrapped]
    source = tree(**dense_tree(
        "layers/functional/layers/dense", "layers/time_distributed/layer/layers/dense"
    ))  # fmt: skip
    got = names(bind(holders, source))
    assert got["m/d/kernel"] == "layers/functional/layers/dense/vars/0"
    assert got["w/d/kernel"] == "layers/time_distributed/layer/layers/dense/vars/0"


def test_tree_of_parts_of_layers() -> None:
    lstm = [Variable(f"{side}_layer/cell/{n}", (2,)) for side in ("forward", "backward")
            for n in ("kernel", "recurrent_kernel")]  # fmt: skip
    heads = [Variable(f"{n}_dense/{v}", (3,)) for n in ("query", "key") for v in ("kernel", "bias")]
    cells = [Variable("cell/cells/lstm_cell/kernel", (4,)),
             Variable("cell/cells/lstm_cell_1/kernel", (5,))]  # fmt: skip
    holders = [Holder("b", "Bidirectional", True, tuple(lstm)),
               Holder("a", "MultiHeadAttention", True, tuple(heads)),
               Holder("r", "RNN", True, tuple(cells))]  # fmt: skip
    keys = {
        **{f"layers/bidirectional/{s}_layer/cell/vars/{k}": (2,)
           for s in ("forward", "backward") for k in (0, 1)},
        **{f"layers/multi_head_attention/_{n}_dense/vars/{k}": (3,)
           for n in ("query", "key") for k in (0, 1)},
        "layers/rnn/cell/cells/lstm_cell/vars/0": (4,),
        "layers/rnn/cell/cells/lstm_cell_1/vars/0": (5,),
    }  # fmt: skip
    got = names(bind(holders, tree(**keys)))
    assert got["b/backward_layer/cell/recurrent_kernel"].endswith("backward_layer/cell/vars/1")
    assert got["a/key_dense/bias"].endswith("_key_dense/vars/1")
    assert got["r/cell/cells/lstm_cell_1/kernel"].endswith("lstm_cell_1/vars/0")
    assert len(got) == len(keys)


def test_tree_that_does_not_fit() -> None:
    source = tree(**dense_tree("layers/dense", size=3), **dense_tree("layers/dense_1"))
    text = problem([dense("a", 2, 2)], source)
    assert "belongs to no layer" in text
    text = problem([dense("a", 2, 2), dense("b", 2, 2), norm("n", 2)], source)
    assert "'a/kernel' has the shape (2, 2) in the model and (3, 3) in the file" in text
    assert "'n/gamma' of the shape (2,) is missing in the file" in text


def test_tree_is_not_taken_by_count_alone() -> None:
    """Two groups for three layers: which one is missing is not guessed."""
    source = tree(**dense_tree("layers/dense", "layers/dense_2"))
    text = problem([dense(n, 2, 2) for n in "abc"], source)
    assert "'b/kernel' of the shape (2, 2) is missing in the file" in text
    assert "'a/kernel'" not in text


def test_a_slash_in_a_name_does_not_mix_layers() -> None:
    holders = [nested("a", dense("b", 2, 2)), dense("a/b", 2, 2)]
    source = ordered(**{"a": dense_arrays("b", 2, 2), "a/b": dense_arrays("a/b", 2, 2)})
    assert "2 variables 'a/b/kernel'" in problem(holders, source)
