"""Runs one side of a check in a process of its own, in a folder of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.errors import UnsupportedError
from torchtwin.verify.reference import environment

TIMEOUT = 1800
"""Seconds after which a program is given up."""
INSTALL = 'pip install "torchtwin[verify]"'


def backend(text: str) -> str:
    """Return the backend of Keras that a program runs on here; never torch.

    Raises UnsupportedError where Keras, or what it runs on, is not installed.
    """
    installed = [b for b in ("tensorflow", "jax") if importlib.util.find_spec(b) is not None]
    if importlib.util.find_spec("keras") is None or not installed:
        raise UnsupportedError("--check needs Keras, which is not installed here", hint=INSTALL)
    if "tensorflow" in text:
        if "tensorflow" not in installed:
            raise UnsupportedError(
                "--check runs the program in Keras, and TensorFlow is not installed here",
                hint=INSTALL,
            )
        return "tensorflow"
    wanted = os.environ.get("KERAS_BACKEND", "")
    return wanted if wanted in installed else installed[0]


def run(module: str, folder: Path, judge: str, near: Path) -> dict[str, Any]:
    """Run one side; return what it wrote. It works in an empty folder, with links to what lies
    beside the script, so that neither side sees the files of the other."""
    work = folder / module
    work.mkdir()
    for path in near.iterdir():
        with contextlib.suppress(OSError):
            (work / path.name).symlink_to(path.resolve())
    # -P: a file called keras.py in the current folder must not be imported.
    command = [sys.executable, "-P", "-m", f"torchtwin.check.{module}", str(folder)]
    more = {"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            command, env=environment(judge) | more, capture_output=True, text=True,
            timeout=TIMEOUT, check=False, cwd=work, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"it took more than {TIMEOUT} seconds", "results": [], "models": []}
    answer = folder / "results.json"
    if not answer.exists():
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"error": lines[-1][:400], "results": [], "models": []}
    told: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    answer.unlink()
    with np.load(folder / "results.npz", allow_pickle=False) as arrays:
        told["arrays"] = dict(arrays)
    return told
