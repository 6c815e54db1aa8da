"""Whole programs as people write them: translated, and run where there is no Keras.

What each gives in Keras was recorded by custom/keras_programs.py; custom/run_programs.py runs the
translations, in a process that can import neither Keras, TensorFlow nor torchtwin.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import torchtwin
from custom.program_values import PRECISE, RECORD, names, text

SCRIPT = Path(__file__).parent / "custom" / "run_programs.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every translated program leaves behind, or the error that ended it."""
    folder = tmp_path_factory.mktemp("programs")
    for name in names():
        done = torchtwin.translate(text(name))
        assert not done.unresolved, (name, done.unresolved)
        (folder / f"{name}.py").write_text(done.source, encoding="utf-8")
    target = folder / "found.json"
    subprocess.run([sys.executable, str(SCRIPT), str(folder), str(target)], check=True)
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return result


@pytest.mark.parametrize("name", names())
def test_program_follows_keras(name: str, found: dict[str, Any]) -> None:
    assert "error" not in found[name], found[name].get("error")
    wanted = json.loads(RECORD.read_text(encoding="utf-8"))[name]["values"]
    numbers = dict(flat(found[name]["values"]))
    tolerance = 1e-8 if name in PRECISE else 1e-4  # nine digits are recorded
    assert wanted
    for key, value in flat(wanted):
        assert numbers[key].shape == value.shape, key
        error = np.abs(numbers[key] - value) / np.maximum(1.0, np.abs(value))
        error[np.isnan(numbers[key]) & np.isnan(value)] = 0.0
        assert np.all(error <= tolerance), (key, error.max())


def flat(values: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield from flat(value, f"{path}.{key}")
    else:
        yield path, np.atleast_1d(np.asarray(values, "float64"))
