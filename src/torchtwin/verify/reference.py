"""Starts judges until one has run the Keras model; what it computed is the reference."""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import torchtwin
from torchtwin.readers import checkpoint, savedmodel, tfjs
from torchtwin.source import Source, Tree
from torchtwin.verify import JUDGES, installed_judges
from torchtwin.verify.training import Judged, Lesson

TIMEOUT = 1800
"""Seconds after which a judge is given up."""

NAMES = {"jax": "Keras {} (jax)", "tensorflow": "Keras {} (tensorflow)", "tf_keras": "tf_keras {}"}


@dataclass(frozen=True)
class LayerOutput:
    """What a layer of the Keras model returned: `call` counts the uses of a shared layer."""

    path: str
    class_name: str
    call: int
    tensor: int
    value: np.ndarray


@dataclass(frozen=True)
class Reference:
    """What Keras computed: for each precision, for each trial, the outputs in Keras's order.

    `dtypes` are the outputs' own (numpy knows no bfloat16). `layers` maps a precision to what
    every layer returned in the first trial, in the order in which Keras ran them.
    """

    judge: str
    inputs: Sequence[Sequence[np.ndarray]]
    outputs: Mapping[str, Sequence[Sequence[np.ndarray]]]
    dtypes: Mapping[str, Sequence[Sequence[str]]]
    layers: Mapping[str, Sequence[LayerOutput]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    training: Judged | None = None


@dataclass(frozen=True)
class Refusal:
    """Why a judge could not run the model."""

    judge: str
    reason: str

    def __str__(self) -> str:
        return f"{self.judge}: {self.reason}"


@dataclass(frozen=True)
class Original:
    """The Keras model as files that Keras opens, and as torchtwin reads it.

    `custom` is the source of its author's own classes, which the judge executes.
    """

    source: Source
    model: Path
    weights: Path | None
    shapes: Sequence[tuple[int | None, ...]]
    custom: Path | None = None


def judges_for(source: Source, wanted: str | None) -> list[str]:
    """Return the judges to try, in order: a file of Keras 1 or 2 is read best by tf_keras."""
    if wanted is not None:
        return [wanted]
    old = is_old(source)
    order = sorted(JUDGES, key=lambda name: (name == "tf_keras") != old)
    return [name for name in order if name in installed_judges()]


def is_old(source: Source) -> bool:
    return source.version[:1] in ("1", "2")


def run_judge(
    judge: str,
    original: Original,
    inputs: Sequence[Sequence[np.ndarray]],
    *,
    layers: bool = False,
    rebuilt: Mapping[str, Any] | None = None,
    lesson: Lesson | None = None,
) -> Reference | Refusal:
    """Run the model under one judge. `layers` asks for what every layer returns.

    `rebuilt` replaces the model's file: a config, and arrays by layer path. `lesson` asks the
    judge to train the model too.
    """
    if rebuilt is None and (reason := untrusted(judge, original.source)):
        return Refusal(judge, reason)
    with tempfile.TemporaryDirectory(prefix="torchtwin-verify-") as name:
        folder = Path(name)
        request: dict[str, Any] = {"judge": judge, "trials": len(inputs), "layers": layers}
        if rebuilt is None:
            request |= _linked(original, folder)
        else:
            request |= _written(rebuilt, folder)
        request["custom"] = _own_source(original, folder)
        named = {f"{t}/{k}": x for t, trial in enumerate(inputs) for k, x in enumerate(trial)}
        np.savez(folder / "inputs.npz", **named)  # type: ignore[arg-type]
        if lesson is not None and not lesson.problem:
            request["training"] = lesson.request(judge, rebuilt=rebuilt is not None)
            np.savez(folder / "training.npz", **lesson.arrays())  # type: ignore[arg-type]
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        if failure := _process(judge, folder):
            return Refusal(judge, failure)
        return _reference(judge, original, inputs, folder)


def untrusted(judge: str, source: Source) -> str:
    """Return why a judge must not run this file, or "".

    Keras 3 opens files of Keras 1 and 2 with hard_sigmoid and computes another function.
    """
    text = json.dumps(source.config)
    if holds_code(source):
        return "the file holds Python code (Lambda), which is not run"
    if source.format == tfjs.FORMAT:
        return "Keras reads no models of TensorFlow.js"
    if judge != "tf_keras" and is_old(source) and "hard_sigmoid" in text:
        return "Keras 3 computes another hard_sigmoid than the Keras that wrote the file"
    return ""


def holds_code(source: Source) -> bool:
    """Tell whether a config holds Python code, which a Keras might run."""
    text = json.dumps(source.config)
    return '"Lambda"' in text or '"__lambda__"' in text


def _linked(original: Original, folder: Path) -> dict[str, Any]:
    """Give Keras the files under names that it understands: it goes by the suffix."""
    if original.source.format == savedmodel.FORMAT:
        return _config_and_checkpoint(original, original.model, folder)
    request = {"model": f"model{_suffix(original.model)}"}
    _link(original.model, folder / request["model"])
    if original.weights is not None and checkpoint.prefix_of(original.weights) is not None:
        request["weights"] = _linked_checkpoint(original.weights, folder)
    elif original.weights is not None:
        tree = isinstance(original.source.weights, Tree)
        request["weights"] = "model.weights.h5" if tree else "weights.h5"
        _link(original.weights, folder / request["weights"])
    return request


def _config_and_checkpoint(original: Original, model: Path, folder: Path) -> dict[str, Any]:
    """Give Keras what a SavedModel holds but for its functions, which loading it would keep."""
    config = {key: original.source.config[key] for key in ("class_name", "config")}
    (folder / "model.json").write_text(json.dumps(config), encoding="utf-8")
    home = model if model.is_dir() else model.parent
    return {
        "model": "model.json",
        "weights": _linked_checkpoint(original.weights or home / "variables", folder),
    }


def _linked_checkpoint(path: Path, folder: Path) -> str:
    prefix = checkpoint.prefix_of(path)
    assert prefix is not None
    for file in prefix.parent.glob(f"{glob.escape(prefix.name)}.*"):
        _link(file, folder / f"weights{file.name.removeprefix(prefix.name)}")
    return "weights"


def _own_source(original: Original, folder: Path) -> str | None:
    """Write the definitions of the author's source that the model needs; return where it lay."""
    if original.custom is None:
        return None
    from torchtwin.custom.definitions import defined
    from torchtwin.custom.library import needed_by

    definitions = defined(original.custom)
    needed = needed_by(definitions, (original.source.config, original.source.compile))
    (folder / "custom_source.py").write_text(definitions.only(needed), encoding="utf-8")
    return str(original.custom.resolve().parent)


def _suffix(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        return ".keras"
    return ".h5" if start.startswith(b"\x89HDF") else ".json"


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path.resolve())
    except OSError:
        shutil.copyfile(path, link)


def _written(rebuilt: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    arrays = {f"{p}/{k}": a for p, given in rebuilt["arrays"].items() for k, a in enumerate(given)}
    np.savez(folder / "weights.npz", **arrays)
    counts = {path: len(given) for path, given in rebuilt["arrays"].items()}
    return {"config": rebuilt["config"], "counts": counts}


def _process(judge: str, folder: Path) -> str:
    """Run the judge; return what went wrong, or ""."""
    # -P: a file called keras.py in the current folder must not be imported.
    command = [sys.executable, "-P", "-m", "torchtwin.verify.judge", str(folder)]
    try:
        done = subprocess.run(
            command, env=environment(judge), capture_output=True, text=True,
            timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it took more than {TIMEOUT} seconds"
    if not (folder / "answer.json").exists():
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return lines[-1][:400]
    return ""


def environment(judge: str) -> dict[str, str]:
    home = str(Path(torchtwin.__file__).parents[1])
    backend = judge if judge in ("jax", "tensorflow") else "tensorflow"
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")])),
        "KERAS_BACKEND": backend,
        "JAX_ENABLE_X64": "1",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": str(int(judge == "tf_keras")),
    }


def _reference(
    judge: str, original: Original, inputs: Sequence[Sequence[np.ndarray]], folder: Path
) -> Reference | Refusal:
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    if "error" in answer:
        return Refusal(judge, answer["error"])
    if reason := _misread(answer["inputs"], original.shapes):
        return Refusal(judge, reason)
    with np.load(folder / "outputs.npz", allow_pickle=False) as arrays:
        outputs = {
            precision: [
                [arrays[f"{precision}/{t}/{k}"] for k in range(len(names))]
                for t, names in enumerate(dtypes)
            ]
            for precision, dtypes in answer["dtypes"].items()
        }
        layers: dict[str, list[LayerOutput]] = {}
        for entry in answer["layers"]:
            kept = layers.setdefault(entry.pop("precision"), [])
            kept.append(LayerOutput(value=arrays[entry.pop("key")], **entry))
        training = _trained(answer.get("training"), arrays)
    name = NAMES[judge].format(answer["version"])
    notes = tuple(answer["notes"])
    return Reference(name, inputs, outputs, answer["dtypes"], layers, notes, training)


def _trained(told: Mapping[str, Any] | None, arrays: Any) -> Judged | None:
    """Return what the judge made of the model by training it, if it was asked to."""
    if told is None:
        return None
    found = {k.removeprefix("training/"): arrays[k] for k in arrays if k.startswith("training/")}
    return Judged(**told, arrays=found)


def _misread(inputs: Sequence[Mapping[str, Any]], shapes: Sequence[tuple[int | None, ...]]) -> str:
    """Return how what Keras loaded differs from what the file says, or "".

    Some files load without an error and with inputs of another rank.
    """
    if len(inputs) != len(shapes):
        return f"it loads the model with {len(inputs)} inputs, the file says {len(shapes)}"
    for given, shape in zip(inputs, shapes, strict=True):
        if tuple(given["shape"][1:]) != tuple(shape[1:]):
            found = ", ".join(map(str, given["shape"]))
            wanted = ", ".join(map(str, shape))
            return f"it loads {given['name']!r} as ({found}), the file says ({wanted})"
    return ""
