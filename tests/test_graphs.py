"""Models that stay as they are built: graphs of symbols, and programs that are translated so.

The programs are as people write them; what each of their models gives is held to Keras.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules import module as modules

import torchtwin
from functional_support import arrays_for, executed, randomized
from torchtwin.nn.graphs import Graph, in_order, walked
from torchtwin.nn.lazy_linear import LazyLinear
from torchtwin.nn.symbols import BatchSize, Symbol, symbol

FOLDER = Path(__file__).parent / "graphs"


@pytest.fixture(autouse=True)
def _no_hooks_kept() -> Iterator[None]:
    """What watches the modules of a process is for programs, which have one to themselves."""
    yield
    Symbol.watched = False
    modules._global_forward_pre_hooks.clear()
    modules._global_forward_hooks.clear()
    modules._global_forward_hooks_with_kwargs.clear()
    modules._global_forward_hooks_always_called.clear()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
@pytest.mark.usefixtures("float64")
def test_programs_agree(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    done = torchtwin.translate(source)
    assert not done.unresolved
    assert "keras" not in done.source.replace("load_keras", "")
    with contextlib.redirect_stdout(io.StringIO()):
        models, twins = models_in(executed(source)), twins_in(done.source)
    assert models
    for name, model in models.items():
        randomized(model, 3)
        arrays = arrays_for(model, 5)
        torchtwin.load_keras_weights(twins[name].eval(), model.get_weights())
        with torch.no_grad():
            got = twins[name](keras.tree.map_structure(torch.from_numpy, arrays))
        assert_equal(model(arrays, training=False), got)


def twins_in(source: str) -> dict[str, Any]:
    torch.set_default_dtype(torch.float64)
    space: dict[str, Any] = {"__name__": "program"}
    try:
        exec(compile(source, "twin", "exec"), space)
    finally:
        torch.set_default_dtype(torch.float32)
    return dict(found("", space, nn.Module))


def models_in(space: dict[str, Any]) -> dict[str, Any]:
    """Return the models over tensors that a program holds, by the way to them."""
    functional = type(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])._functional)
    return {name: model for name, model in found("", space, functional) if model.weights}


def found(path: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    if isinstance(value, kind):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from found(f"{path}.{key}", each, kind)
    elif type(value).__module__ == "program" and path.count(".") < 3:
        yield from found(path, vars(value), kind)


def assert_equal(wanted: Any, got: Any) -> None:
    pairs = zip(keras.tree.flatten(wanted), keras.tree.flatten(got), strict=True)
    for a, b in pairs:
        assert a.shape == tuple(b.shape)
        np.testing.assert_allclose(b.numpy(), np.asarray(a), rtol=1e-9, atol=1e-9)


def test_sizes_of_batches_are_those_of_the_call() -> None:
    x = symbol((4, 6))
    assert isinstance(x.shape[0], BatchSize)
    assert x.shape[1:] == (4, 6)
    graph = Graph(x, x.reshape(x.shape[0], 24)[:, 0])
    assert graph(torch.ones(5, 4, 6)).shape == (5,)


def test_making_a_graph_leaves_modules_as_they_are() -> None:
    norm = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    before = copy.deepcopy(norm.state_dict())
    x = symbol((4,))
    x_again = x
    x += 1
    graph = Graph(x_again, [norm(x), x_again])
    assert norm.training
    assert norm[1].training
    assert all(torch.equal(before[name], value) for name, value in norm.state_dict().items())
    data = torch.ones(3, 4)
    assert torch.equal(graph(data)[1], data)  # += has not changed it


def test_values_of_symbols_are_refused() -> None:
    x = symbol(())
    with pytest.raises(TypeError, match="no value yet"):
        bool(x > 0)
    other = symbol((3,))
    with pytest.raises(ValueError, match="needs an input"):
        Graph(other, other + symbol((3,)))


def test_inputs_may_be_named_and_of_another_kind() -> None:
    a, b = symbol((1,), name="a"), symbol((2,), dtype="int32", name="b")
    graph = Graph([a, b], {"sum": a + b})
    found_ = graph({"b": torch.tensor([[1.0, 2.0]]), "a": torch.tensor([3])})
    assert torch.equal(found_["sum"], torch.tensor([[4.0, 5.0]]))


def test_shared_and_nested_modules_are_steps() -> None:
    x = symbol((3,))
    layer = LazyLinear(3)
    inner = Graph(x, layer(layer(x)))
    y = symbol((3,))
    outer = Graph(y, inner(y) * 2)
    data = torch.randn(2, 3)
    torch.testing.assert_close(outer(data), layer(layer(data)) * 2)
    assert len(list(outer.parameters())) == 2
    copied = copy.deepcopy(outer)
    copied.parts[1].parts[1].weight.data.zero_()
    assert not torch.equal(copied(data), outer(data))


def test_modules_are_in_keras_s_order() -> None:
    """The farther from the output, the earlier; keras/src/ops/function.py, map_graph."""
    x = symbol((3,))
    near, first, second = LazyLinear(3), LazyLinear(3), LazyLinear(3)
    output = near(x) + second(torch.relu(first(x)))
    steps, met = walked(x, output)
    modules = [each for each in in_order(steps, met, [x]) if isinstance(each, LazyLinear)]
    assert modules == [first, near, second]
