"""Kills conversions at random moments, and looks at what they leave behind.

    python tests/kills.py [--count 200] [--seed 1]

Two models are written to one folder in turn. After every kill the folder holds one of the two,
whole, or it does not exist yet; a last conversion leaves no temporary files.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torchtwin
from torchtwin.twin import Twin

SEEDS = Path(__file__).parent / "fuzz" / "seeds"
MODELS = (SEEDS / "plain.keras", SEEDS / "image.keras")
Whole = dict[str, bytes]


def files_of(folder: Path) -> Whole:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def twins() -> list[Twin]:
    return [torchtwin.convert(model) for model in MODELS]


def killed(model: Path, folder: Path, after: float, number: int) -> bool:
    """Convert in a process of its own that is killed; tell whether it was still at work."""
    process = os.fork()
    if process == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            torchtwin.convert(model).save(folder)
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(process, number)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def measure(folder: Path) -> float:
    """Return how long a conversion takes in such a process."""
    started = time.monotonic()
    process = os.fork()
    if process == 0:
        try:
            torchtwin.convert(MODELS[1]).save(folder)
        finally:
            os._exit(0)
    os.waitpid(process, 0)
    return time.monotonic() - started


def run(count: int, seed: int) -> tuple[int, list[str]]:
    """Return how many conversions were killed at work, and what was wrong."""
    rng, wrong, at_work = random.Random(seed), [], 0
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        whole = [files_of(twin.save(place / f"whole{k}")) for k, twin in enumerate(twins())]
        duration = max(measure(place / "measured") for _ in range(2))
        folder = place / "out" / "twin"
        folder.parent.mkdir()
        for k in range(count):
            model, number = MODELS[k % 2], (signal.SIGKILL, signal.SIGTERM)[k % 3 == 0]
            at_work += killed(model, folder, rng.uniform(0, 1.1 * duration), number)
            if folder.exists() and files_of(folder) not in whole:
                wrong.append(f"kill {k} left {sorted(files_of(folder))}")
        torchtwin.convert(MODELS[0]).save(folder)
        left = [file.name for file in folder.parent.iterdir() if file != folder]
        wrong += [f"left behind: {name}" for name in left]
        if files_of(folder) != whole[0]:
            wrong.append("the last conversion is not whole")
    return at_work, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    at_work, wrong = run(options.count, options.seed)
    print(f"{options.count} conversions, {at_work} killed at work, {len(wrong)} wrong")
    print("\n".join(wrong[:10]))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
