"""What a recurrent layer's cell becomes: the module, and where its weights come from.

PyTorch's fused kernels know tanh and sigmoid only, and keep two biases where Keras has one. The
second is then zero and is not trained, so that training goes as in Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch.nn.functional as F
from torch import nn

from torchtwin.activations import ACTIVATIONS
from torchtwin.apply import refuse_unread
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Var, call
from torchtwin.nn.masked import Masked, MaskedLSTM
from torchtwin.nn.recurrent import InputDropout, LoopGRU, LoopLSTM, LoopRNN, hard_sigmoid
from torchtwin.nn.recurrent_two import TwoStateRNN
from torchtwin.nn.stacked import StackedRNN
from torchtwin.rule import options
from torchtwin.view import LayerView

GATES = {"LSTM": "{i f c o} -> {i f c o}", "GRU": "{z r h} -> {r z h}", "SimpleRNN": "o -> o"}
"""The gates in Keras and in PyTorch."""

RATES = ("dropout", "recurrent_dropout")


@dataclass(frozen=True)
class Cell:
    """A recurrent module with the notation of its weights.

    `states` is 2 for an LSTM. `takes_mask` tells that its `forward` takes a mask, `fused` that
    it is PyTorch's own, `stack` is the number of states of each of several layers.
    """

    module: Call
    weights: Mapping[str, str]
    frozen: tuple[str, ...]
    units: int
    states: int = 1
    takes_mask: bool = False
    fused: bool = False
    stack: tuple[int, ...] = ()

    @property
    def names(self) -> Any:
        """The names of its states, as its `forward` nests them."""
        if self.stack:
            return tuple(("h", "c") if states > 1 else "h" for states in self.stack)
        return ("h", "c") if self.states > 1 else "h"

    def inside(self, name: str) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return weights and frozen parameters of this as the submodule `name` of another."""
        weights = {f"{name}.{k}": v for k, v in self.weights.items()}
        return weights, tuple(f"{name}.{k}" for k in self.frozen)


def cell_of(view: LayerView, kind: str, size: int, where: str, masked: bool = False) -> Cell:
    """Return the module for a cell whose arguments `view` has.

    `where` is the path of its variables, `size` the features of its input; `masked` asks for a
    module that takes a mask.
    """
    view.ignore("implementation", "time_step", "use_cudnn", "consume_less")
    view.ignore("input_dim", "input_length")  # Keras 1 and 2: what the input says itself
    loop, fused = _KINDS[kind](view)
    rate, recurrent = (min(max(view[name] or 0.0, 0.0), 1.0) for name in RATES)
    if 1.0 in (rate, recurrent):
        raise UnsupportedError(f"{view.class_name} that drops everything, dropout=1")
    given = {} if view["use_bias"] else {"bias": False}
    units = view["units"]
    if fused is None or recurrent:
        own = {"dropout": rate} if recurrent else {}
        module = call(loop[0], size, units, **given, **loop[1], **own, recurrent_dropout=recurrent)
        cell = Cell(module, _loop_weights(view, kind, where), (), units, takes_mask=True)
    elif masked and kind == "LSTM":
        weights = _loop_weights(view, kind, where)
        cell = Cell(call(MaskedLSTM, size, units, **given), weights, (), units, takes_mask=True)
    else:
        module = call(fused[0], size, units, **given, **fused[1], batch_first=True)
        cell = _fused(view, kind, where, module)
        cell = _wrapped(cell, Masked, "rnn") if masked else cell
    cell = replace(cell, states=2 if kind == "LSTM" else 1)
    return cell if recurrent or not rate else _wrapped(cell, InputDropout, "rnn", rate)


def _wrapped(cell: Cell, wrapper: Any, name: str, *args: Any) -> Cell:
    weights, frozen = cell.inside(name)
    module = call(wrapper, *args, cell.module)
    takes_mask = cell.takes_mask or wrapper is Masked
    return replace(
        cell, module=module, weights=weights, frozen=frozen, takes_mask=takes_mask, fused=False
    )


def _lstm(view: LayerView) -> tuple[Any, Any]:
    functions = gate_functions(view)
    return (LoopLSTM, functions), None if functions else (nn.LSTM, {})


def _gru(view: LayerView) -> tuple[Any, Any]:
    functions = gate_functions(view)
    if not view["reset_after"]:
        return (LoopGRU, {**functions, "reset_after": False}), None
    return (LoopGRU, functions), None if functions else (nn.GRU, {})


def _simple(view: LayerView) -> tuple[Any, Any]:
    named = _plain(view["activation"])
    loop = (LoopRNN, {} if named == "tanh" else {"activation": function_of(named)})
    if named not in ("tanh", "relu"):
        return loop, None
    return loop, (nn.RNN, {} if named == "tanh" else {"nonlinearity": named})


_KINDS: Mapping[str, Callable[[LayerView], tuple[Any, Any]]] = {
    "LSTM": _lstm, "GRU": _gru, "SimpleRNN": _simple,
}  # fmt: skip


def gate_functions(view: LayerView) -> dict[str, Any]:
    """Return the activations that are not an LSTM's usual ones, as arguments."""
    usual = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    given = {name: _plain(view[name]) for name in usual}
    return {name: function_of(value) for name, value in given.items() if value != usual[name]}


def _plain(activation: Any) -> Any:
    """Return the name of an activation that the config has as an object."""
    if isinstance(activation, Mapping) and activation.get("class_name") == "function":
        return activation.get("registered_name") or activation.get("config")
    return "linear" if activation is None else activation


def function_of(activation: Any) -> Any:
    """Return an activation as an argument: a function of torch's, or a module."""
    if isinstance(activation, str) and activation in _SPECIAL:
        return _SPECIAL[activation]
    if isinstance(activation, Mapping) and activation.get("class_name") == "LeakyReLU":
        config = activation["config"]
        return call(nn.LeakyReLU, config.get("negative_slope", config.get("alpha", 0.3)))
    x = Var("x")
    expr = ACTIVATIONS[activation](x) if str(activation) in ACTIVATIONS else None
    if isinstance(expr, Call) and expr.args == (x,) and not expr.kwargs:
        return expr.function
    raise UnsupportedError(f"the activation {activation!r} inside a recurrent layer")


_SPECIAL: Mapping[str, Any] = {
    "keras2_hard_sigmoid": hard_sigmoid,
    "relu": F.relu,
    "linear": call(nn.Identity),
    "softmax": call(nn.Softmax, dim=-1),
    "log_softmax": call(nn.LogSoftmax, dim=-1),
    "leaky_relu": call(nn.LeakyReLU, 0.2),
}


def _loop_weights(view: LayerView, kind: str, where: str) -> dict[str, str]:
    before, after = GATES[kind].split(" -> ")
    weights = {
        "weight_ih": f"{where}kernel: d {before} -> {after} d",
        "weight_hh": f"{where}recurrent_kernel: d {before} -> {after} d",
    }
    if view["use_bias"]:
        rows = kind == "GRU" and view["reset_after"]
        weights["bias_ih"] = f"{where}bias{'[0]' * rows}: {before} -> {after}"
        if rows:
            weights["bias_hh"] = f"{where}bias[1]: {before} -> {after}"
    return weights


def _fused(view: LayerView, kind: str, where: str, module: Call) -> Cell:
    loop = _loop_weights(view, kind, where)
    weights = {f"{name}_l0": notation for name, notation in loop.items()}
    frozen: tuple[str, ...] = ()
    if "bias_ih" in loop and "bias_hh" not in loop:
        weights["bias_hh_l0"] = "zeros"
        frozen = ("bias_hh_l0",)
    return Cell(module, weights, frozen, view["units"], fused=True)


def in_two_directions(forward: Cell, backward: Cell) -> Cell | None:
    """Return one bidirectional module for two equal fused ones, or None."""
    if not (forward.fused and backward.fused and _same(forward.module, backward.module)):
        return None
    weights = dict(forward.weights)
    weights |= {f"{name}_reverse": notation for name, notation in backward.weights.items()}
    frozen = (*forward.frozen, *(f"{name}_reverse" for name in backward.frozen))
    old = forward.module
    module = call(old.function, *old.args, **old.kwargs, bidirectional=True)
    return replace(forward, module=module, weights=weights, frozen=frozen)


def _same(a: Call, b: Call) -> bool:
    return (a.function, a.args, dict(a.kwargs)) == (b.function, b.args, dict(b.kwargs))


def wrapped_cell(view: LayerView, size: int, where: str, masked: bool) -> Cell:
    """Return the cell, or the stack of cells, that the argument `cell` of an RNN describes."""
    entry = view["cell"]
    if entry["class_name"] == "StackedRNNCells":
        inner = view.inner(entry, view.inputs)
        cells = stacked(inner, size, f"{where}cells/", masked or view.mask is not None)
        refuse_unread(inner)
        return cells
    return _wrapped_one(view, entry, size, where, masked)


def _wrapped_one(view: LayerView, entry: Any, size: int, where: str, masked: bool) -> Cell:
    inner = view.inner(entry, view.inputs)
    kinds = {f"{kind}Cell": kind for kind in GATES}
    if entry.get("module") == EXAMPLES.get(inner.class_name, ...):
        cell = _example(inner, size, where)
        refuse_unread(inner)
        return cell
    if inner.class_name not in kinds:
        raise UnsupportedError(f"RNN around {inner.class_name} is not translated")
    cell = cell_of(inner, kinds[inner.class_name], size, where, masked)
    refuse_unread(inner)
    return cell


EXAMPLES = {
    "OneStateRNNCell": "keras.src.layers.rnn.rnn_test",
    "TwoStatesRNNCell": "keras.src.layers.rnn.rnn_test",
    "RNNCellWithDropout": "keras.src.layers.rnn.dropout_rnn_cell_test",
}
"""Cells without activation and bias that Keras's own tests use, and its modules that have them."""


def _example(view: LayerView, size: int, where: str) -> Cell:
    units, two = view["units"], view.class_name == "TwoStatesRNNCell"
    if view.get("state_size") not in (None, units, (units, units)):
        raise UnsupportedError(f"{view.class_name} with a state of another size")
    weights = {"weight_ih": f"{where}kernel: d o -> o d"}
    if two:
        module = call(TwoStateRNN, size, units)
        for name, number in (("weight_hh", 1), ("weight_more", 2)):
            weights[name] = f"{where}recurrent_kernel_{number}: d o -> o d"
    else:
        linear = _SPECIAL["linear"]
        rates = options(**{name: view.get(name) or None for name in RATES})
        module = call(LoopRNN, size, units, bias=False, activation=linear, **rates)
        weights["weight_hh"] = f"{where}recurrent_kernel: d o -> o d"
    return Cell(module, weights, (), units, states=2 if two else 1, takes_mask=True)


def stacked(view: LayerView, size: int, where: str, masked: bool) -> Cell:
    """Return cells on top of each other: as layers on top of each other, they give the same."""
    view.ignore("reverse_state_order")
    cells: list[Cell] = []
    names: list[str] = []
    weights: dict[str, str] = {}
    frozen: tuple[str, ...] = ()
    for k, entry in enumerate(view["cells"]):
        name = _SNAKE.get(entry["class_name"], entry["class_name"])
        number = names.count(name)
        names.append(name)
        path = f"{where}{name}_{number}/" if number else f"{where}{name}/"
        cell = _wrapped_one(view, entry, size, path, masked)
        own, fixed = cell.inside(f"layers.{k}")
        weights |= own
        frozen += fixed
        size = cell.units
        cells.append(cell)
    module = call(StackedRNN, *(cell.module for cell in cells))
    stack = tuple(cell.states for cell in cells)
    return Cell(module, weights, frozen, size, takes_mask=True, stack=stack)


_SNAKE = {
    "RNNCellWithDropout": "rnn_cell_with_dropout",
    "OneStateRNNCell": "one_state_rnn_cell",
    "TwoStatesRNNCell": "two_states_rnn_cell",
    "LSTMCell": "lstm_cell",
    "GRUCell": "gru_cell",
    "SimpleRNNCell": "simple_rnn_cell",
}
CELLS = (*_SNAKE, "StackedRNNCells")
"""The classes of cells, which layers hold."""
