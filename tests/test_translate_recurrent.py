"""Recurrent layers, cells and wrappers in programs, beside Keras's: every argument, every call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sequence_support import check, module_of, module_text
from torchtwin import UnsupportedError
from torchtwin.rule import rules

R = np.random.default_rng(1)
X = R.normal(size=(4, 6, 4))
MASK = np.array([[1, 1, 0, 1, 0, 1], [0, 0, 1, 1, 1, 0], [1, 0, 0, 0, 0, 0], [1] * 6], bool)
STATES = [R.normal(size=(4, 3)) for _ in range(4)]
CHOSEN = {
    "LSTM": ("sequences and state", "backwards last", "no bias", "masked state", "masked zero",
             "recurrent dropout"),
    "GRU": ("state", "masked sequences", "before", "before, masked", "softsign"),
    "SimpleRNN": ("relu", "masked backwards"),
    "RNN": ("stack masked",),
    "Bidirectional": ("apart", "state", "masked GRU sequences", "two layers"),
    "ConvLSTM1D": ("state",),
    "ConvLSTM2D": ("backwards", "no bias"),
    "TimeDistributed": ("Conv2D", "of masked steps", "frozen", "ints"),
}  # fmt: skip
"""The cases of the rules for graphs that hold in programs too: all do, these show it cheaply."""
OWN = [(n, c) for n, notes in CHOSEN.items() for c in rules()[n].cases if c.note in notes]


@pytest.mark.parametrize(("name", "case"), OWN, ids=[f"{n}-{c.note}" for n, c in OWN])
def test_arguments(name: str, case: Any, float64: None) -> None:
    """Masks are given by hand, as a translated program gives them."""
    del float64
    sequence = X if case.mask and len(case.shape) == 3 else R.normal(size=case.shape)
    sequence = R.integers(0, 7, case.shape) if case.inputs == "int:7" else sequence
    call = {"mask": MASK[: len(sequence), : sequence.shape[1]]} if case.mask else {}
    check(name, case.config, [sequence], **call)


def _units(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"units": 3, **config}}


CALLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("LSTM", {"units": 3, "return_state": True}, {"initial_state": STATES[:2]}),
    ("LSTM", {"units": 3}, {"initial_state": STATES[:2], "mask": MASK[::-1].copy() | MASK}),
    ("LSTM", {"units": 3, "activation": "relu"}, {"initial_state": STATES[:2]}),
    ("GRU", {"units": 3, "return_sequences": True}, {"initial_state": STATES[0]}),
    ("GRU", {"units": 3, "reset_after": False}, {"initial_state": STATES[:1]}),
    ("SimpleRNN", {"units": 3, "return_state": True}, {"initial_state": STATES[0]}),
    ("Bidirectional", {"layer": _units("LSTM")}, {"initial_state": STATES}),
    ("Bidirectional", {"layer": _units("GRU", return_state=True)}, {"initial_state": STATES[:2]}),
    ("RNN", {"cell": [_units("LSTMCell"), _units("GRUCell")]},
     {"initial_state": [STATES[:2], STATES[2:3]]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "config", "call"), CALLS, ids=[row[0] for row in CALLS])
def test_calls(name: str, config: dict[str, Any], call: dict[str, Any], float64: None) -> None:
    del float64
    check(name, config, [X], **call)


def test_kernels_of_pytorch_are_used() -> None:
    """A loop over the steps costs several times as much as PyTorch's kernel for them all."""
    for name, config, fused in [
        ("LSTM", {"units": 3}, True),
        ("GRU", {"units": 3}, True),
        ("SimpleRNN", {"units": 3, "activation": "relu"}, True),
        ("RNN", {"cell": [_units("LSTMCell"), _units("LSTMCell")]}, True),
        ("LSTM", {"units": 3, "activation": "relu"}, False),
        ("GRU", {"units": 3, "reset_after": False}, False),
    ]:
        module: Any = module_of(name, config)
        steps = []
        for cell in module.modules():
            cell.register_forward_hook(lambda *_, steps=steps: steps.append(1))
        module(torch.zeros(2, 5, 4))
        assert (len(steps) == 1) == fused, name  # the layer itself, or each step of its cells


def test_first_weights() -> None:
    """Orthogonal recurrent weights, the forget gate open, all else as the initialisers say."""
    module: Any = module_of("LSTM", {"units": 8})
    module(torch.zeros(1, 2, 5))
    cell = module.cell
    product = cell.weight_hh.T @ cell.weight_hh
    assert torch.allclose(product, torch.eye(8), atol=1e-5)
    assert cell.bias_ih.tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16
    bound = (6 / (5 + 32)) ** 0.5
    assert 0.8 * bound < cell.weight_ih.abs().max() <= bound
    config = {"units": 2, "bias_initializer": {"class_name": "Constant", "config": {"value": 2.0}}}
    module = module_of("LSTM", {**config, "unit_forget_bias": False})
    module(torch.zeros(1, 2, 5))
    assert set(module.cell.bias_ih.tolist()) == {2.0}
    module = module_of("GRU", {**config, "recurrent_initializer": "zeros"})
    module(torch.zeros(1, 2, 5))
    assert set(module.cell.bias_hh.tolist()) == {2.0}
    assert not module.cell.weight_hh.any()


def test_stateful_layers_go_on() -> None:
    """Two calls of half a sequence are one of the whole, until the state is reset."""
    module: Any = module_of("LSTM", {"units": 3, "stateful": True, "return_sequences": True})
    plain: Any = module_of("LSTM", {"units": 3, "return_sequences": True})
    x = torch.from_numpy(X).float()
    whole = plain(x)
    module(x[:, :1])
    module.load_state_dict(plain.state_dict())
    module.reset_state()
    halves = [module(x[:, :2]), module(x[:, 2:])]
    assert torch.allclose(torch.cat(halves, 1), whole, atol=1e-6)
    module.reset_states()
    assert torch.allclose(module(x[:, :2]), whole[:, :2], atol=1e-6)


@pytest.mark.parametrize("rate", ["dropout", "recurrent_dropout"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_dropout_is_the_same_at_every_step(kind: str, rate: str) -> None:
    """What is dropped of the input at one step is at all; another call drops other features."""
    module: Any = module_of(kind, {"units": 40, rate: 0.5, "return_sequences": True})
    x = torch.ones(1, 6, 40, requires_grad=True)
    module(x)
    found = []
    for _ in range(2):
        [grad] = torch.autograd.grad(module(x).sum(), x)
        found.append(grad != 0)
        assert (found[-1] == found[-1][:, :1]).all()
    assert (found[0].all() and found[1].all()) == (rate == "recurrent_dropout")
    assert rate == "recurrent_dropout" or not torch.equal(*found)
    assert not torch.equal(module(x), module(x))
    assert torch.equal(module.eval()(x), module(x))


def test_text_and_refusals() -> None:
    text, _ = module_text("GRU", {"units": 4, "kernel_regularizer": "l2", "dropout": 0.1})
    assert text == "Recurrent(penalized(LazyGRUCell(4, dropout=0.1), weight_ih=L2()))"
    for name, config in [
        ("LSTM", {"units": 3, "time_major": True}),
        ("GRU", {"units": 3, "bias_constraint": "max_norm"}),
        ("ConvLSTM2D", {"filters": 3, "kernel_size": 2, "kernel_regularizer": "l2"}),
        ("Bidirectional", {"layer": _units("LSTM"), "weights": [1]}),
        ("LSTM", {"units": 3, "activation": "crelu"}),
    ]:
        with pytest.raises(UnsupportedError):
            module_text(name, config)
