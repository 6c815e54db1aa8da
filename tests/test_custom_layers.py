"""Custom layers and models, translated: outputs, gradients, losses and state beside Keras's."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import torchtwin
from custom.layer_cases import ALL, CASES, EVERY, SOURCES, Case
from custom.torch_layers import compare, translated

SCRIPT = Path(__file__).parent / "custom" / "keras_layers.py"


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What Keras gives on TensorFlow, computed once for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    target = (base.parent if "popen" in base.name else base) / "custom_layers.pickle"
    try:
        target.with_suffix(".started").touch(exist_ok=False)
    except FileExistsError:
        while not target.exists():
            time.sleep(0.2)
    else:
        command = [sys.executable, str(SCRIPT), "--one", str(target.with_suffix(".part"))]
        subprocess.run(command, check=True, capture_output=True)
        target.with_suffix(".part").rename(target)
    with target.open("rb") as file:
        return pickle.load(file)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_translation_agrees_with_keras(case: Case, references: Any) -> None:
    dtype = "float64" if case.double else "float32"
    compare(case, references[case.name, dtype], dtype)


PATHS = sorted(SOURCES.glob("*.py"))[:: 1 if EVERY else 9]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_source_stands_alone_and_is_the_same_every_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    translation = translated(text)
    assert translation.unresolved == ()
    assert translation.source == torchtwin.translate(text).source
    for line in translation.source.splitlines():
        words = line.split()
        if words[:1] in (["import"], ["from"]):
            assert words[1].split(".")[0] not in {"keras", "tensorflow", "tf_keras", "torchtwin"}
    comments = [line.strip() for line in text.splitlines() if line.strip().startswith("#")]
    assert [c for c in comments if c not in translation.source] == []


def test_every_source_has_a_case() -> None:
    assert {case.source for case in ALL} == {path.stem for path in SOURCES.glob("*.py")}
    assert len({case.name for case in ALL}) == len(ALL)
    assert len({case.source for case in ALL}) >= 70


SAMPLE = [case for case in CASES if not case.training][::24]


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_state_goes_to_another_instance(case: Case, references: Any) -> None:
    """A state dict saved from one twin fills another, called before or not."""
    dtype = "float64" if case.double else "float32"
    module = compare(case, references[case.name, dtype], dtype)
    again = compare(case, references[case.name, dtype], dtype)
    for value in again.state_dict().values():
        value.zero_()
    again.load_state_dict(module.state_dict())
    for name, value in module.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
