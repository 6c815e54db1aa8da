"""Runs a file of checks in a process of its own, where Keras is on TensorFlow.

There large models and thousands of small ones are quicker than on JAX, which compiles every
operation for every shape.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_checks(path: str, *options: str) -> None:
    """Raise AssertionError, with what pytest printed, where the checks of a file do not pass."""
    check = str(Path(__file__).parent / path)
    common = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--show-capture=no"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *common, *options, check],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-8000:]
    assert " passed" in ran.stdout
