"""Fuzzes every reader, names and the translator, in turns, and tells what it found.

    scripts/fuzz [--minutes 30] [--only hdf5] [--seed 1] [--out DIR]

An error that is not torchtwin's and a run of more than ten seconds are findings; DIR has the input
and the traceback of each, and log.jsonl a line for each round: runs, ends of different kinds,
findings, the slowest run, CPU seconds and the megabytes of the process.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[1]))

import targets

SLOW = 10
TURN = 3.0
"""Seconds that a target has before the next one: all get the same time."""
MOST_KEPT = 400


class Hang(BaseException):
    """A run took too long."""


def _alarm(*_: Any) -> None:
    raise Hang


class Fuzzer:
    """One target: its pool of cases, those that showed something new among them."""

    def __init__(self, name: str, rng: random.Random, out: Path | None) -> None:
        self.name, self.rng, self.out = name, rng, out
        self.target = targets.TARGETS[name]()
        self.pool = self.target.seeds()
        self.seen: set[str] = set()
        self.findings: dict[str, str] = {}
        self.runs = 0
        self.slowest = 0.0

    def start(self, folder: Path) -> None:
        """Run the seeds: what they need is imported, and how they end is known."""
        self.seen = {self.target.ended(case, folder) for case in self.pool[:3]}

    def step(self, folder: Path) -> None:
        case = self.rng.choice(self.pool)
        try:
            case = self.target.changed(case, self.rng)
        except Exception:  # a case that cannot be changed so
            return
        self.runs += 1
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, 2 * SLOW)
        try:
            how = self.target.ended(case, folder)
        except (Exception, Hang) as error:
            self._found(case, error)
            return
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        taken = time.process_time() - started
        self.slowest = max(self.slowest, taken)
        if taken > SLOW:
            self._found(case, Hang(f"{taken:.1f} s"))
        if how not in self.seen:
            self.seen.add(how)
            if len(self.pool) < MOST_KEPT:
                self.pool.append(case)

    def _found(self, case: Any, error: BaseException) -> None:
        trace = traceback.format_exception(error)
        places = [line.split("\n")[0] for line in trace if "torchtwin" in line]
        key = f"{type(error).__name__} {places[-1].strip() if places else error}"
        if key in self.findings:
            return
        self.findings[key] = "".join(trace)
        print(f"FOUND {self.name}: {key}: {str(error)[:200]}", flush=True)
        if self.out is not None:
            path = self.out / f"{self.name}-{len(self.findings)}"
            path.with_suffix(".pickle").write_bytes(pickle.dumps(case))
            path.with_suffix(".txt").write_text("".join(trace))


def memory() -> int:
    """Return how many bytes the process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def fuzz(names: list[str], seconds: float, seed: int, out: Path | None) -> list[Fuzzer]:
    """Run the targets in turn until the time is over."""
    signal.signal(signal.SIGPROF, _alarm)
    os.environ["TORCHTWIN_DEBUG"] = "1"  # errors come as they are
    fuzzers = [Fuzzer(name, random.Random(f"{seed} {name}"), out) for name in names]
    turn = min(TURN, seconds / 4 / len(names))
    with tempfile.TemporaryDirectory() as folder:
        for fuzzer in fuzzers:
            (Path(folder) / fuzzer.name).mkdir()
            fuzzer.start(Path(folder) / fuzzer.name)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for fuzzer in fuzzers:
                _round(fuzzer, Path(folder), min(ends, time.monotonic() + turn), out)
    return fuzzers


def _round(fuzzer: Fuzzer, folder: Path, ends: float, out: Path | None) -> None:
    fuzzer.step(folder / fuzzer.name)
    while time.monotonic() < ends:
        fuzzer.step(folder / fuzzer.name)
    if out is None:
        return
    gc.collect()
    line = {
        "target": fuzzer.name, "runs": fuzzer.runs, "kinds": len(fuzzer.seen),
        "findings": len(fuzzer.findings), "slowest": round(fuzzer.slowest, 2),
        "cpu": round(time.process_time(), 1), "memory": memory() >> 20,
    }  # fmt: skip
    with (out / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", action="append", choices=sorted(targets.TARGETS))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path, default=Path("fuzz-out"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    names = options.only or list(targets.TARGETS)
    fuzzers = fuzz(names, options.minutes * 60, options.seed, options.out)
    for f in fuzzers:
        print(f"{f.name}: {f.runs} runs, {len(f.seen)} kinds of end, {len(f.findings)} findings")
    print(f"{time.process_time():.0f} CPU seconds, {memory() >> 20} MB")
    return int(any(f.findings for f in fuzzers))


if __name__ == "__main__":
    sys.exit(main())
