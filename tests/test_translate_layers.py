"""What layers of Keras become in programs: the cases of their rules, on Keras's own layout."""

from __future__ import annotations

import os
from typing import Any

import keras
import pytest

from torchtwin.rule import Case, rules
from torchtwin.translate import registry
from translated_layers import check

registry.load()
KINDS = ("core", "conv", "norm", "pooling", "noise", "activation", "merge", "data", "images")
MODULES = [f"layers_{kind}" for kind in KINDS]
REFUSED = [
    ("Flatten", "channels first"), ("Resizing", "channels first"),
    ("BatchNormalization", "renormalised"), ("BatchNormalization", "renormalised, frozen"),
]  # fmt: skip
OWN = {
    name: [
        case
        for case in rules()[name].cases
        if not case.mask
        and not case.names
        and not case.call
        and (name, case.note) not in REFUSED
        and not (name == "UpSampling2D" and len(case.config) == 3)
    ]
    for name, constructor in sorted(registry._CONSTRUCTORS.items())
    if name in rules()
    and hasattr(keras.layers, name)
    and constructor.args[0].__module__.rpartition(".")[2] in MODULES
}
EVERY = "ALL_CASES" in os.environ
"""All cases take some minutes; without this most classes have one, their last, which says most."""


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{k}-{case.note}")
        for name, cases in OWN.items()
        if EVERY or not ("3D" in name or name.startswith("Adaptive"))
        for k, case in enumerate(cases if EVERY else cases[-1:])
    ],
)
def test_layer_agrees(name: str, case: Case) -> None:
    check(name, case)


@pytest.mark.parametrize(
    ("name", "config", "shape"),
    [
        ("BatchNormalization", {"momentum": 0.9}, (4, 5, 3)),
        ("BatchNormalization", {"axis": 1, "scale": False, "epsilon": 1e-5}, (2, 3, 4, 5)),
        ("BatchNormalization", {"center": False}, (1, 3)),
        ("BatchNormalization", {"trainable": False}, (4, 3)),
    ],
)
@pytest.mark.usefixtures("float64")
def test_training_changes_what_it_changes_in_keras(name: str, config: Any, shape: Any) -> None:
    check(name, Case(config, shape), "float64", training=True)
