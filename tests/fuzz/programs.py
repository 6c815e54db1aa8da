"""Targets that are text or code: names, Keras programs, the bytecode of Lambda layers."""

from __future__ import annotations

import ast
import base64
import json
import random
from pathlib import Path
from typing import Any

import mutate
from base import SEEDS, Case, Target, converted

import torchtwin
from bytecode_support import assembled
from torchtwin.bytecode.decompile import decompile
from torchtwin.emit.source import docstring
from torchtwin.names import identifiers
from torchtwin.readers import read

TESTS = Path(__file__).parents[1]
PROGRAMS = TESTS / "custom" / "programs"
LAYERS = TESTS / "custom" / "layers"
SAMPLES = TESTS / "bytecode_samples.json"


class Names(Target):
    """Names out of files, as identifiers and in programs."""

    def seeds(self) -> list[Case]:
        return [["dense", "Conv 2", "self", "a/b:0", "forward"], ["x", "x_1", "X"], ["é", "", "1"]]

    def changed(self, case: Case, rng: random.Random) -> Case:
        names = list(case)
        for _ in range(rng.choice((1, 2, 4))):
            at = rng.randrange(len(names))
            names[at] = mutate.text_of(names[at], rng)
            if rng.random() < 0.3:
                names.append(names[at])
        return names[-12:]

    def run(self, case: Case, folder: Path) -> str:
        from torch import nn

        words = identifiers(case, nn.Module)
        assert len(set(words.values())) == len(set(case)), "two names are one identifier"
        for word in words.values():
            ast.parse(f"class A:\n    {word} = 1\n    def f(self, x{word}): pass")
            assert word.isascii()
            assert word.isidentifier()
            assert len(word) <= 70
        title = docstring(case[0])
        assert isinstance(ast.parse(f'"""{title}"""').body[0], ast.Expr)
        path = folder / "model.json"
        path.write_text(json.dumps(_chain(case)))
        source = read(path)
        assert isinstance(source.config, dict)
        return converted(path, folder, SEEDS / "plain.weights.h5")


def _chain(names: list[str]) -> dict[str, Any]:
    """Return a model of ReLUs with these names behind a Dense."""
    given = {"class_name": "InputLayer", "config": {"name": "_in", "batch_shape": [None, 4]}}
    dense = {"class_name": "Dense", "config": {"name": "_dense", "units": 3}}
    rest = [{"class_name": "ReLU", "config": {"name": name}} for name in names]
    config = {"name": names[0], "layers": [given, dense, *rest]}
    return {"class_name": "Sequential", "config": config, "module": "keras"}


class Programs(Target):
    """Keras programs for `translate`: their tokens and trees changed."""

    def seeds(self) -> list[Case]:
        files = [*sorted(PROGRAMS.glob("*.py")), *sorted(LAYERS.glob("*.py"))]
        return [text for file in files if len(text := file.read_text()) < 6000]

    def changed(self, case: Case, rng: random.Random) -> Case:
        if rng.random() < 0.3:
            return mutate.text_of(case, rng)
        tree = ast.parse(case)
        nodes = [n for n in ast.walk(tree) if isinstance(n, ast.expr)]
        for _ in range(rng.choice((1, 2, 4))):
            node = rng.choice(nodes)
            names = [key for key, value in ast.iter_fields(node) if isinstance(value, ast.expr)]
            if isinstance(node, ast.Constant):
                node.value = rng.choice([0, -1, None, "", "x", 1.5, True, 10**9])
            elif isinstance(node, ast.Name):
                node.id = rng.choice([n.id for n in nodes if isinstance(n, ast.Name)])
            elif names:
                setattr(node, rng.choice(names), rng.choice(nodes))
        return ast.unparse(tree)

    def run(self, case: Case, folder: Path) -> str:  # noqa: ARG002 - it needs no files
        translated = torchtwin.translate(case)
        ast.parse(translated.source)
        return f"translated, {len(translated.unresolved)} unresolved"

    def ended(self, case: Case, folder: Path) -> str:
        try:
            ast.parse(case)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            case = f"{case}\n("  # no Python: that is to be said, whatever it is
        return super().ended(case, folder)


class Bytecode(Target):
    """The code of Lambda layers, of several Pythons, as bytes and in models."""

    OLD = ("2.7", "3.5", "3.6", "3.8", "3.10")

    def seeds(self) -> list[Case]:
        new = json.loads(SAMPLES.read_text("utf-8")).values()
        found = [base64.b64decode(text) for samples in new for text in samples.values()]
        code = [("LOAD_FAST", 0), ("LOAD_CONST", 1), "BINARY_MULTIPLY", "RETURN_VALUE"]
        return found + [assembled(v, code, consts=(None, 0.5)) for v in self.OLD]

    def changed(self, case: Case, rng: random.Random) -> Case:
        return mutate.bytes_of(case, rng)

    def run(self, case: Case, folder: Path) -> str:
        ast.parse(decompile(case).source)
        code = {"code": base64.b64encode(case).decode(), "defaults": None, "closure": None}
        function = {"class_name": "__lambda__", "config": code}
        model = _chain(["f"])
        model["config"]["layers"][-1] = {
            "class_name": "Lambda",
            "config": {"name": "f", "function": function, "arguments": {}},
        }
        (folder / "model.json").write_text(json.dumps(model))
        return converted(folder / "model.json", folder, SEEDS / "plain.weights.h5")
