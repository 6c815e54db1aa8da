"""What is fuzzed: each target takes a seed, changes it, and runs torchtwin on what comes out.

A target returns how it ended, in a few words, which tell new behaviour from old. Any error but
torchtwin's own is a finding.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import mutate
from base import SEEDS, Case, Target, converted
from programs import Bytecode, Names, Programs

from torchtwin.readers.bundle import bundle, table


class Same(int):
    """A checksum that every other equals: behind the check lies what is to be fuzzed."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


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
        return converted(path, folder, SEEDS / f"{case[0]}.weights.h5")


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
        return converted(folder / "model.keras", folder)


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
            return converted(config, folder, folder / "model.h5")
        return converted(folder / "model.h5", folder)


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
        return converted(folder / "model.json", folder)


class Shards(Target):
    """Weights in shards: their index."""

    SHARD = "plain_00000.weights.h5"

    def seeds(self) -> list[Case]:
        paths = {"/layers/dense/vars": self.SHARD, "/vars": [self.SHARD]}
        return [{"metadata": {"total_size": 60}, "weight_map": paths}]

    def changed(self, case: Case, rng: random.Random) -> Case:
        return mutate.json_of(case, rng)

    def run(self, case: Case, folder: Path) -> str:
        shutil.copy(SEEDS / "plain.weights.h5", folder / self.SHARD)
        (folder / "plain.weights.json").write_text(json.dumps(case))
        return converted(SEEDS / "plain.json", folder, folder / "plain.weights.json")


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
                return converted(whole / "plain.json", folder, whole / "plain.index")
            return converted(whole, folder)


TARGETS: dict[str, Callable[[], Target]] = {
    "json": Json,
    "zip": Archive,
    "hdf5": Hdf5,
    "tfjs": Tfjs,
    "protobuf": Protobuf,
    "shards": Shards,
    "bytecode": Bytecode,
    "names": Names,
    "translate": Programs,
}
