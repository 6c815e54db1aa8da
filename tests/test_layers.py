"""Every case of every rule, against Keras on JAX."""

from __future__ import annotations

import keras
import pytest

from cases import check_case
from torchtwin.rule import Case, rules

ELSEWHERE = {
    *("StringLookup", "TextVectorization", "Lambda", "Equalization"),
    *("IntegerLookup", "Hashing", "HashedCrossing"),
}
"""Layers with cases in test_text.py, test_lookup.py and test_lambda.py: a Case holds neither
strings nor code, and JAX makes numbers of 32 bits.
Keras makes no model of Equalization: test_augmentation.py compares it."""

CASES = [
    pytest.param(
        name, case, id=f"{name}-{k}{'-' + case.note.replace(' ', '_') if case.note else ''}"
    )
    for name, rule in sorted(rules().items())
    for k, case in enumerate(rule.cases)
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_twin_agrees_with_keras(name: str, case: Case) -> None:
    check_case(name, case)


def test_every_rule_has_a_case() -> None:
    kept = [name for name in rules() if hasattr(keras.layers, name)]  # not what Keras 3 dropped
    assert {name for name in kept if not rules()[name].cases} == ELSEWHERE
