"""Layers and models of a file and their translations: outputs and gradients on the same inputs."""

from __future__ import annotations

import ast
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import libcst as cst
import numpy as np

from torchtwin.check.report import Comparison, Report
from torchtwin.check.running import backend, run
from torchtwin.custom.definitions import Definitions, defined
from torchtwin.errors import UnsupportedError
from torchtwin.translate.inventory import Inventory, is_layer
from torchtwin.translate.names import Names
from torchtwin.translate.refusals import Unresolved

CONDITIONS = "with the same drawn weights, in inference, noise the same on both sides"
FOREIGN = re.compile(r"^(import|from) (keras|tensorflow|tf_keras)\b.*$", re.MULTILINE)


def layer_classes(text: str) -> list[str]:
    """Return the classes of a program that are layers or models, in its order."""
    module = cst.parse_module(text)
    inventory = Inventory(Names(module)).of(module)
    top = {node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    return [name for name in inventory.classes if name in top and is_layer(inventory, name)]


def check_layers(
    script: Path,
    ported: Path,
    makes: Sequence[str] = (),
    shapes: Sequence[tuple[str, Sequence[int]]] = (),
    unresolved: Sequence[Unresolved] = (),
) -> Report:
    """Compare layers with their translations. `makes` are calls such as "Linear(8)"; without,
    every class is made that needs no arguments. `shapes` are those of the inputs of a call.

    The definitions that these layers need are executed. Raises UnsupportedError where there is no
    Keras on TensorFlow, or the file has no such class.
    """
    definitions, translated = defined(script), defined(ported)
    made, skipped = _wanted(definitions, script.read_text(encoding="utf-8"), makes)
    made, left = _translated(definitions, made, unresolved)
    skipped += left
    judge = backend("tensorflow")  # whose tape gives the gradients
    with tempfile.TemporaryDirectory(prefix="torchtwin-check-") as name:
        folder, home = Path(name), script.resolve().parent
        for file, found in (("source.py", definitions), ("ported.py", translated)):
            needed = found.closure(word for make in made for word in _words(make))
            text = found.only(needed)
            if found is translated:
                text = FOREIGN.sub("", text)  # other parts of the file may not be translated
            (folder / file).write_text(text, encoding="utf-8")
        request = {"home": str(home), "makes": made, "shapes": [*map(list, shapes)]}
        _write(folder, request)
        keras = run("keras_layer", folder, judge, home)
        if keras["error"]:
            raise UnsupportedError(
                f"the original does not run in Keras here: {keras['error']}", where=str(script)
            )
        np.savez(folder / "weights.npz", **keras["arrays"])
        _write(folder, request | {"cases": keras["cases"]})
        torch = run("torch_layer", folder, judge, home)
    return _report(made, keras, torch, skipped)


def _write(folder: Path, request: Mapping[str, Any]) -> None:
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")


def _words(make: str) -> list[str]:
    return [node.id for node in ast.walk(ast.parse(make)) if isinstance(node, ast.Name)]


def _wanted(
    definitions: Definitions, text: str, makes: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the calls that make the layers, and why others are not made."""
    classes = layer_classes(text)
    for make in makes:
        node = _parsed(make)
        if not isinstance(node, ast.Call) or not set(_words(make)) & set(definitions.found):
            raise UnsupportedError(
                f"{make} makes nothing that the file defines",
                hint=f"--layer takes a call of one of: {', '.join(classes) or 'none'}",
            )
    if makes:
        return list(makes), []
    made, skipped = [], []
    for name in classes:
        if needed := _required(definitions, name):
            skipped.append(f'{name} needs {", ".join(needed)}: --layer "{name}(...)"')
        else:
            made.append(f"{name}()")
    return made, skipped


def _translated(
    definitions: Definitions, made: Sequence[str], unresolved: Sequence[Unresolved]
) -> tuple[list[str], list[str]]:
    """Return the calls whose classes are translated with all that they need, and why others not."""
    kept, skipped = [], []
    for make in made:
        needed = definitions.closure(_words(make))
        lines = {k for d in needed for k in range(d.first, d.last + 1)}
        found = next((u for u in unresolved if u.line in lines), None)
        if found is None:
            kept.append(make)
        else:
            skipped.append(f"{make}, which is not translated: line {found.line}, {found.name}")
    return kept, skipped


def _parsed(make: str) -> ast.expr | None:
    try:
        return ast.parse(make, mode="eval").body
    except SyntaxError:
        return None


def _required(definitions: Definitions, name: str) -> list[str]:
    """Return the arguments without which a class cannot be made."""
    for node in (d.node for d in definitions.found.get(name, ())):
        for part in getattr(node, "body", ()):
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                given = part.args
                plain = [a.arg for a in [*given.posonlyargs, *given.args]][1:]
                free = plain[: len(plain) - len(given.defaults)] if given.defaults else plain
                named = zip(given.kwonlyargs, given.kw_defaults, strict=True)
                return free + [a.arg for a, default in named if default is None]
        for base in getattr(node, "bases", ()):
            if isinstance(base, ast.Name) and base.id in definitions.found:
                return _required(definitions, base.id)
    return []


def _report(
    made: Sequence[str], keras: Mapping[str, Any], torch: Mapping[str, Any], skipped: list[str]
) -> Report:
    found = Comparison()
    problems = [f"the translated file stops: {torch['error']}"] if torch["error"] else []
    for index, make in enumerate(made if not problems else ()):
        wanted, got = keras["cases"][index], torch["cases"][index]
        if wanted.get("error"):
            skipped.append(f"{make}, which does not run in Keras: {wanted['error']}")
        elif got.get("error"):
            problems.append(f"{make} stops in PyTorch: {got['error']}")
        else:
            _compare(found, f"{make} of {wanted['shown']}", index, (keras, torch), got["names"])
    judge = keras["judge"]
    return Report("layer", judge, tuple(found.rows), CONDITIONS, tuple(problems), tuple(skipped))


def _compare(
    found: Comparison, head: str, index: int, sides: tuple[Any, Any], names: Sequence[str]
) -> None:
    keras, torch = (side["arrays"] for side in sides)
    for kind, word in (("outputs", "output"), ("input_gradients", "gradient of input")):
        counts = [side["cases"][index][kind] for side in sides]
        for k in range(max(counts)):
            key = f"{index}/{kind}/{k}"
            number = f" {k}" if max(counts) > 1 else ""
            found.add(head, f"{word}{number}", torch.get(key), keras.get(key))
    for k, name in enumerate(names):
        got = torch.get(f"{index}/weight_gradients/{k}")
        wanted = torch.get(f"{index}/placed_gradients/{k}")
        found.add(head, f"gradient of {name}", got, wanted)
