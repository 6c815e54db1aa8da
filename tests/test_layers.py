"""Every case of every rule, against Keras on TensorFlow or JAX.

TensorFlow is three times as quick, as it compiles nothing. It has not all kernels in float64, for
channels first or for what JAX computes with dilation and strides: those layers are JAX's.
"""

from __future__ import annotations

import keras
import pytest

from cases import check_case
from on_tensorflow import run_checks
from torchtwin.rule import Case, rules

ELSEWHERE = {
    *("StringLookup", "TextVectorization", "Lambda", "Equalization"),
    *("IntegerLookup", "Hashing", "HashedCrossing"),
    *("LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells"),
}
"""Layers with cases in test_text.py, test_lookup.py and test_lambda.py: a Case holds neither
strings nor code, and JAX makes numbers of 32 bits. Cells take states: test_call_arguments.py.
Keras makes no model of Equalization: test_augmentation.py compares it."""

ON_JAX = {
    *("AdaptiveAveragePooling3D", "AdaptiveMaxPooling3D", "AveragePooling3D", "MaxPooling3D"),
    *("Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D"),
    *("CenterCrop", "Normalization", "Rescaling", "Resizing", "STFTSpectrogram", "UpSampling2D"),
    *("ops.AffineTransform", "ops.Conv", "ops.HSVToRGB", "ops.Logdet", "ops.LuFactor"),
    *("ops.MapCoordinates", "ops.Percentile", "ops.Quantile", "ops.Resize"),
}
HERE = keras.config.backend()

CASES = [
    pytest.param(
        name, case, id=f"{name}-{k}{'-' + case.note.replace(' ', '_') if case.note else ''}"
    )
    for name, rule in sorted(rules().items())
    if (name in ON_JAX) == (HERE == "jax")
    for k, case in enumerate(rule.cases)
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_twin_agrees_with_keras(name: str, case: Case) -> None:
    check_case(name, case)


@pytest.mark.skipif(HERE != "jax", reason="this is that process")
def test_twins_agree_with_keras_on_tensorflow() -> None:
    run_checks("test_layers.py")


def test_every_rule_has_a_case() -> None:
    kept = [name for name in rules() if hasattr(keras.layers, name)]  # not what Keras 3 dropped
    assert {name for name in kept if not rules()[name].cases} == ELSEWHERE
