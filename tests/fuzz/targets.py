"""What is fuzzed: each target takes a seed, changes it, and runs torchtwin on what comes out.

A target returns how it ended, in a few words, which tell new behaviour from old. Any error but
torchtwin's own is a finding.
"""

from __future__ import annotations

import ast
import json
import random
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import mutate

import torchtwin
from torchtwin.emit.source import docstring
from torchtwin.errors import TorchTwinError
from torchtwin.names import identifiers
from torchtwin.readers import read
from torchtwin.readers.bundle import bundle, table

SEEDS = Path(__file__).parent / "seeds"
PROGRAMS = Path(__file__).parents[1] / "custom" / "programs"
LAYERS = Path(__file__).parents[1] / "custom" / "layers"

Case = Any
"""What a target keeps for a mutation: bytes, a JSON value, a text."""


class Same(int):
    """A checksum that every other equals: behind the check lies what is to be fuzzed."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def _converted(path: Path, folder: Path, weights: Path | None = None) -> str:
    """Convert a model, write it and compile what was written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = torchtwin.convert(path, weights=weights)
        twin.save(folder / "twin")
    compile((folder / "twin" / "model.py").read_text(), "model.py", "exec")
    shutil.rmtree(folder / "twin")
    return "converted"


def _kind(error: TorchTwinError) -> str:
    words = re.sub(r"'[^']*'|\d+", "_", str(error).splitlines()[0])
    assert len(str(error)) <= 2000, "an error that is too long"
    assert all(line.isprintable() for line in str(error).split("\n")), "control characters"
    return f"{type(error).__name__}: {words[:90]}"


class Target:
    """A target: its seeds, how they are changed, how they are run."""

    def seeds(self) -> list[Case]:
        raise NotImplementedError

    def changed(self, case: Case, rng: random.Random) -> Case:
        raise NotImplementedError

    def run(self, case: Case, folder: Path) -> str:
        raise NotImplementedError

    def ended(self, case: Case, folder: Path) -> str:
        """Run a case; return how it ended. Raises what is not torchtwin's."""
        try:
            return self.run(case, folder)
        except TorchTwinError as error:
            return _kind(error)


class Json(Target):
    """Configs of architectures, with weights that fit what they were."""

    def seeds(self) -> list[Case]:
        names = ("image", "sequence", "plain")
        return [(n, json.loads((SEEDS / f"{n}.json").read_text())) for n in names]

    def changed(self, case: Case, rng: random.Random) -> Case:
        return case[0], mutate.json_of(case[1], rng)

    def run(self, case: Case, folder: Path) -> str:
        path = folder / "model.json"
        path.write_text(json.dumps(case[1]))
        return _converted(path, folder, SEEDS / f"{case[0]}.weights.h5")


class Archive(Target):
    """`.keras` archives, member by member and as bytes."""

    def seeds(self) -> list[Case]:
        return [file.read_bytes() for file in sorted(SEEDS.glob("*.keras"))]

    def changed(self, case: Case, rng: random.Random) -> Case:
        def change(name: str, body: bytes) -> bytes:
            if name.endswith(".json") and rng.random() < 0.8:
                return json.dumps(mutate.json_of(json.loads(body), rng)).encode()
            return mutate.bytes_of(body, rng)

        return mutate.zip_of(case, rng, change)

    def run(self, case: Case, folder: Path) -> str:
        (folder / "model.keras").write_bytes(case)
        return _converted(folder / "model.keras", folder)


class Hdf5(Target):
    """HDF5 models, and weights alone, as bytes."""

    def seeds(self) -> list[Case]:
        return [(file.name, file.read_bytes()) for file in sorted(SEEDS.glob("*.h5"))]

    def changed(self, case: Case, rng: random.Random) -> Case:
        return case[0], mutate.bytes_of(case[1], rng)

    def run(self, case: Case, folder: Path) -> str:
        name, data = case
        (folder / "model.h5").write_bytes(data)
        if name.endswith(".weights.h5"):
            config = SEEDS / name.replace(".weights.h5", ".json")
            return _converted(config, folder, folder / "model.h5")
        return _converted(folder / "model.h5", folder)


class Tfjs(Target):
    """Models of TensorFlow.js: model.json and shards."""

    def seeds(self) -> list[Case]:
        return [
            (json.loads((f / "model.json").read_text()), (f / "group1-shard1of1.bin").read_bytes())
            for f in sorted(SEEDS.glob("*_tfjs"))
        ]

    def changed(self, case: Case, rng: random.Random) -> Case:
        model, shard = case
        if rng.random() < 0.1:
            return model, mutate.bytes_of(shard, rng)
        return mutate.json_of(model, rng), shard

    def run(self, case: Case, folder: Path) -> str:
        (folder / "model.json").write_text(json.dumps(case[0]))
        (folder / "group1-shard1of1.bin").write_bytes(case[1])
        return _converted(folder / "model.json", folder)


class Protobuf(Target):
    """SavedModels and checkpoints: protobufs and tables, of which checksums are not asked."""

    FILES = ("saved_model.pb", "keras_metadata.pb", "variables/variables.index")
    CHECKPOINT = ("plain.index",)

    def seeds(self) -> list[Case]:
        found = [("saved_model", {n: (SEEDS / "saved_model" / n).read_bytes() for n in self.FILES})]
        return [
            *found,
            ("checkpoint", {"plain.index": (SEEDS / "checkpoint/plain.index").read_bytes()}),
        ]

    def changed(self, case: Case, rng: random.Random) -> Case:
        kind, files = case
        name = rng.choice(sorted(files))
        return kind, {**files, name: mutate.bytes_of(files[name], rng)}

    def run(self, case: Case, folder: Path) -> str:
        kind, files = case
        whole = folder / kind
        if not whole.is_dir():
            shutil.copytree(SEEDS / kind, whole)
        for name, data in files.items():
            (whole / name).write_bytes(data)
        same = mock.Mock(return_value=Same())
        with mock.patch.object(table, "masked", same), mock.patch.object(bundle, "masked", same):
            if kind == "checkpoint":
                return _converted(whole / "plain.json", folder, whole / "plain.index")
            return _converted(whole, folder)


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
        return _converted(path, folder, SEEDS / "plain.weights.h5")


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


TARGETS: dict[str, Callable[[], Target]] = {
    "json": Json,
    "zip": Archive,
    "hdf5": Hdf5,
    "tfjs": Tfjs,
    "protobuf": Protobuf,
    "names": Names,
    "translate": Programs,
}
