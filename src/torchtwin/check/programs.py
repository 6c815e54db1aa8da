"""A program and its translation, run on the same data with the same weights."""

from __future__ import annotations

import ast
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.check.alike import BATCHES, EPOCHS
from torchtwin.check.report import Comparison, Report, Row
from torchtwin.check.running import backend, run
from torchtwin.errors import UnsupportedError

CONDITIONS = (
    f"with Keras's first weights, at most {EPOCHS} epochs of {BATCHES} batches in order, "
    "dropout off, noise the same on both sides"
)


def check_program(script: Path, ported: Path) -> Report:
    """Run a program in Keras and its translation in PyTorch, and compare what their models give.

    Both are executed. Raises UnsupportedError where there is no Keras, or the program does not
    run in it.
    """
    text = script.read_text(encoding="utf-8")
    judge = backend(text)
    home = script.resolve().parent
    with tempfile.TemporaryDirectory(prefix="torchtwin-check-") as name:
        folder = Path(name)
        _write(folder, {"script": str(script.resolve())})
        keras = run("keras_program", folder, judge, home)
        if keras["error"] and not keras["results"]:
            raise UnsupportedError(
                f"the original does not run in Keras here: {keras['error']}", where=str(script),
                hint="--check runs it as it is: with its data, and with what it imports",
            )  # fmt: skip
        weights = {k: v for k, v in keras["arrays"].items() if k.startswith("model")}
        np.savez(folder / "weights.npz", **weights)
        own = [n.name for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ClassDef)]
        request = {"script": str(ported.resolve()), "home": str(home), "own": own}
        _write(folder, request | {"models": keras["models"]})
        torch = run("torch_program", folder, judge, home)
    return _report(keras, torch)


def _write(folder: Path, request: Mapping[str, Any]) -> None:
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")


def _report(keras: Mapping[str, Any], torch: Mapping[str, Any]) -> Report:
    found = Comparison()
    pairs = zip(keras["results"], torch["results"], strict=False)
    for k, (wanted, got) in enumerate(pairs):
        head = f"{wanted['what']}, line {wanted['line']}" if wanted["line"] else wanted["what"]
        if got["what"] != wanted["what"]:
            found.rows.append(Row(head, "", 0.0, f"in PyTorch there is {got['what']}"))
            break
        _compare(found, head, k, (keras, torch))
    problems, skipped = [], []
    if torch["error"] and not keras["error"]:
        problems.append(f"the translated program stops at {torch['error']}")
    elif len(keras["results"]) != len(torch["results"]):
        counts = len(keras["results"]), len(torch["results"])
        problems.append(f"{counts[0]} results in Keras, {counts[1]} in PyTorch")
    if keras["error"]:
        skipped.append(
            f"what comes behind {keras['error']}, where the original stops with less data"
        )
    return Report(
        "program", keras["judge"], tuple(found.rows), CONDITIONS, tuple(problems), tuple(skipped)
    )


def _compare(
    found: Comparison, head: str, k: int, sides: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> None:
    """Compare one result: the figures of a training by their names."""
    named = [
        dict(zip(s["results"][k]["names"], range(len(s["results"][k]["names"])), strict=True))
        for s in sides
    ]
    for name in dict.fromkeys([*named[0], *named[1]]):
        arrays = [
            side["arrays"].get(f"{k}/{names[name]}") if name in names else None
            for side, names in zip(sides, named, strict=True)
        ]
        found.add(head, name, arrays[1], arrays[0])
