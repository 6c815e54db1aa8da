"""Recurrent layers, cells and wrappers in programs, beside Keras's: every argument, every call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sequence_support import check, module_text
from torchtwin.rule import rules

X = np.random.default_rng(1).normal(size=(3, 5, 4))
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [1, 0, 0, 0, 0]], bool)
H = [np.random.default_rng(k).normal(size=(3, 3)) for k in range(4)]
NAMES = ["LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D"]
OWN = [(name, case.config, case.shape, case.note) for name in NAMES for case in rules()[name].cases
       if not case.mask]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "config", "shape", "note"), OWN, ids=[f"{row[0]}-{row[3]}" for row in OWN]
)
def test_arguments(name: str, config: dict[str, Any], shape: Any, note: str, float64: None) -> None:
    """The cases of the rules for graphs hold in programs too."""
    del note, float64
    check(name, config, [np.random.default_rng(1).normal(size=shape)])
