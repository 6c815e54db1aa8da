"""Scores torchtwin on the corpora of real models, and holds it to what once worked.

    python scripts/shares.py [--update] [CORPUS ...]

The corpora lie beside the repository, in ../shared; where they are not, there is nothing to do.
`scripts/shares.json` records the cases of each corpus that convert and agree with Keras. It is
an error to lose one of them, and to write a program that is wrong or does not run. `--update`
records the cases that work now.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared"
RECORD = Path(__file__).with_name("shares.json")
CORPORA = ("real", "keras_layers", "keras_ops")
NEVER = ("wrong", "broken", "crash")


def scored(corpus: str) -> dict[str, tuple[str, str]]:
    """Return the verdict on each case of a corpus, with its detail."""
    command = [sys.executable, str(SHARED / "score" / "score.py"), str(SHARED / "corpus" / corpus)]
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "verdicts.json"
        subprocess.run([*command, "--json", str(target)], stdout=subprocess.DEVNULL, check=False)
        rows = json.loads(target.read_text(encoding="utf-8"))
    return {row["case"]: (row["verdict"], row["detail"]) for row in rows}


def problems(verdicts: Mapping[str, tuple[str, str]], recorded: list[str]) -> list[str]:
    """Return what is worse than recorded, or must never be."""
    return [
        f"  {verdict:11} {case}: {detail}"
        for case, (verdict, detail) in verdicts.items()
        if verdict in NEVER or (case in recorded and verdict != "ok")
    ] + [f"  missing     {case}" for case in recorded if case not in verdicts]


def main() -> int:
    parser = argparse.ArgumentParser(description="Score torchtwin on the corpora.")
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", help=", ".join(CORPORA))
    parser.add_argument("--update", action="store_true", help="record what works now")
    options = parser.parse_args()
    if not SHARED.is_dir():
        print("no corpora beside the repository: nothing to score")
        return 0
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    names, failed = options.corpora or CORPORA, False
    with ThreadPoolExecutor(2) as pool:  # each case is a process of its own
        for name, verdicts in zip(names, pool.map(scored, names), strict=True):
            good = sorted(case for case, (verdict, _) in verdicts.items() if verdict == "ok")
            bad = problems(verdicts, [] if options.update else record.get(name, []))
            was = len(record.get(name, []))
            print(f"{name}: {len(good)} of {len(verdicts)} agree with Keras, {was} recorded")
            print(*bad, sep="\n", end="\n" if bad else "")
            failed = failed or bool(bad)
            record[name] = good
    if options.update:
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
