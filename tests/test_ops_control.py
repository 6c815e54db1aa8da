"""Operations that call functions of the program, beside Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras import ops

from ops_support import compare_values, ran
from torchtwin.expr import Source
from torchtwin.ops.functions import operation_for
from torchtwin.ops.registry import load_operations

X = np.arange(12, dtype="float32").reshape(4, 3) / 4
Y = X * 2 + 1


def ran_by_name(name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return what a call gives whose tensors and functions are names of the program."""
    return ran(lambda a, k: operation_for(name, a, k), args, kwargs, computed=False)


def running(state: Any, x: Any) -> Any:
    return state + x, state * x


LOOPS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("while_loop", [lambda k, _: k < 4, lambda k, v: (k + 1, v * 2), (np.array(1), X)], {}),
    ("while_loop", [lambda v: v.sum() < 500.0, lambda v: v * 3, X], {"maximum_iterations": 2}),
    ("fori_loop", [1, 4, lambda k, v: v + k, X], {}),
    ("map", [lambda row: row * row.sum(), X], {}),
    ("map", [lambda pair: (pair[0] + pair[1], pair[1]), (X, Y)], {}),
    ("vectorized_map", [lambda row: row.sum(), X], {}),
    ("scan", [running, np.zeros(3, "float32"), X], {}),
    ("scan", [running, np.ones(3, "float32"), X], {"reverse": True}),
    ("scan", [lambda state, _: (state * 2, state), np.ones(2, "float32")], {"length": 3}),
    ("associative_scan", [lambda a, b: a + b, X], {}),
    ("associative_scan", [lambda a, b: a * b, Y], {"reverse": True, "axis": 1}),
    ("cond", [True, lambda: 1.0, lambda: 2.0], {}),
    ("cond", [False, lambda: 1.0, lambda: 2.0], {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "kwargs"), LOOPS, ids=[name for name, *_ in LOOPS])
def test_loops_and_conditions(name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    tensors: Callable[..., Any] = getattr(ops, name)
    wanted = tensors(*args, **kwargs)
    compare_values(ran_by_name(f"keras.ops.{name}", args, kwargs), wanted, exact=False)


def test_conditions_read_as_python() -> None:
    made = operation_for("tf.cond", [Source("training"), Source("lambda: x"), Source("f")], {})
    assert made.text == "x if training else f()"


FOLDS = [
    ("tf.map_fn", [lambda v: v + 1, X]), ("tf.vectorized_map", [lambda v: v + 1, X]),
    ("tf.foldl", [lambda a, v: a + v * 2, X]), ("tf.foldr", [lambda a, v: a * 2 + v, X]),
    ("tf.foldl", [lambda a, v: a - v, X, np.ones(3, "float32")]),
    ("tf.scan", [lambda a, v: a + v, X]), ("tf.scan", [lambda a, v: a * v, X, X[1]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), FOLDS, ids=[name for name, _ in FOLDS])
def test_folds_of_tensorflow(name: str, args: list[Any]) -> None:
    import tensorflow as tf

    wanted = getattr(tf, name.removeprefix("tf."))(*args).numpy()
    compare_values(ran_by_name(name, args, {}), wanted)


@pytest.mark.parametrize("index", [0, 1, 7])
def test_branches_by_number(index: int) -> None:
    branches = [lambda x: x, lambda x: x + 1]
    switch = load_operations()["Switch"]
    compare_values(ran(switch, [index, branches, X], {}, computed=False),
                   ops.switch(index, branches, X))  # fmt: skip
