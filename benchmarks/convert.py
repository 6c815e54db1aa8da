"""Measures the memory and the time of converting large files, as ratios.

    python benchmarks/convert.py [--layers 10] [--rounds 3] [--keep DIR]

A model of Dense layers of 100 MB each is saved by Keras as `.keras` and `.h5`. For each file,
alternating: `cp`, torchtwin and `keras.models.load_model`, each in a process of its own. Memory is
the peak above importing torch (for Keras: above importing keras). The budgets: at most 350 MB,
and at most six times the time of `cp`. Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST_MEMORY, MOST_TIME = 350, 6.0
WIDTH = 5000
"""A kernel of 5000 x 5000 numbers in float32 is 100 MB."""

MAKE = """
import sys, keras
layers = [keras.layers.Dense({width}, name=f"dense_{{k}}") for k in range({layers})]
model = keras.Sequential([keras.Input(({width},)), *layers], name="large")
for path in sys.argv[1:]:
    model.save(path)
"""
MEASURE = """
import json, resource, sys, time
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
{work}
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([seconds, peak * 1024 / 1e6]))
"""
TWIN = MEASURE.format(
    imports="import torch, torchtwin", work="torchtwin.convert(sys.argv[1]).save(sys.argv[2])"
)
KERAS = MEASURE.format(imports="import keras", work="keras.models.load_model(sys.argv[1])")


def run(program: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    ).stdout.decode()


def copied(source: Path, target: Path) -> float:
    started = time.perf_counter()
    subprocess.run(["cp", str(source), str(target)], check=True)
    return time.perf_counter() - started


def measured(source: Path, scratch: Path, rounds: int) -> dict[str, float]:
    """Return medians of seconds, and peaks of memory in MB, for one file."""
    copies, twins, loads = [], [], []
    for _ in range(rounds):
        copies.append(copied(source, scratch / "copy"))
        twins.append(json.loads(run(TWIN, source, scratch / "twin")))
        loads.append(json.loads(run(KERAS, source)))
    return {
        "cp": statistics.median(copies),
        "twin": statistics.median(seconds for seconds, _ in twins),
        "twin_memory": max(memory for _, memory in twins),
        "keras": statistics.median(seconds for seconds, _ in loads),
        "keras_memory": max(memory for _, memory in loads),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure conversion of large files.")
    parser.add_argument("--layers", type=int, default=10, help="how many layers of 100 MB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="make the files here, and keep them")
    options = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        files = [folder / f"large.{suffix}" for suffix in ("keras", "h5")]
        if not all(path.exists() for path in files):
            run(MAKE.format(width=WIDTH, layers=options.layers), *files)
        print("| file | size | torchtwin ÷ cp | peak | load_model ÷ cp | peak |")
        print("|---|---:|---:|---:|---:|---:|")
        for path in files:
            m = measured(path, Path(temporary), options.rounds)
            print(
                f"| {path.suffix} | {path.stat().st_size / 1e6:.0f} MB "
                f"| {m['twin'] / m['cp']:.1f} | {m['twin_memory']:.0f} MB "
                f"| {m['keras'] / m['cp']:.1f} | {m['keras_memory']:.0f} MB |",
                flush=True,
            )
            missed |= m["twin_memory"] > MOST_MEMORY or m["twin"] / m["cp"] > MOST_TIME
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
