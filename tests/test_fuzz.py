"""A short run of the fuzzer, always the same; `scripts/fuzz --minutes 60` goes on for longer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parent / "fuzz" / "run.py"
TARGETS = {"json", "zip", "hdf5", "tfjs", "protobuf", "shards", "bytecode", "names", "translate"}


def test_nothing_but_our_errors(tmp_path: Path) -> None:
    command = [sys.executable, str(RUN), "--minutes", "0.25", "--seed", "1", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    runs = {line["target"]: line["runs"] for line in lines}
    assert set(runs) == TARGETS
    assert all(runs.values())
