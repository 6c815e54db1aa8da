"""The layers that drawn/check.py draws, a few hundred that are always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECK = Path(__file__).parent / "drawn" / "check.py"


def test_layers_with_drawn_arguments() -> None:
    """In a process of its own: there Keras is on TensorFlow."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "layers", str(CHECK)]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-8000:]
    assert " passed" in ran.stdout
