"""The judge: runs the original Keras model, in a process of its own.

    python -m torchtwin.verify.judge FOLDER

FOLDER holds `request.json` (which Keras, which files, what to return) and `inputs.npz`. The
judge writes `outputs.npz` and `answer.json` there. Neither torch nor the rest of torchtwin is
imported: the numbers are Keras's own.
"""

from __future__ import annotations

import functools
import importlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.verify.judge_custom import own_classes
from torchtwin.verify.judge_exact import compute_exactly, exact_constants
from torchtwin.verify.judge_training import Training, walked

FLOATS = ("float", "bfloat", "mixed_")
MIXED = "the mixed dtype policies were set to float32 in Keras for this comparison"


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    try:
        answer, arrays = Judge(request, folder).answer()
    except Exception as error:
        answer, arrays = {"error": told(error)}, {}
    np.savez(folder / "outputs.npz", **arrays)
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


class Judge:
    """Loads the model of a request and runs it in every precision asked for."""

    def __init__(self, request: dict[str, Any], folder: Path) -> None:
        self.request, self.folder = request, folder
        self.legacy = request["judge"] == "tf_keras"
        self.keras = imported(self.legacy, request["judge"])
        if request.get("custom"):
            own_classes(self.keras, folder, request["custom"])
        self.arrays: dict[str, Any] = {}
        self.layers: list[dict[str, Any]] = []
        self.watching = False
        asked = request.get("training")
        self.training = Training(self.keras, request, folder) if asked else None

    def answer(self) -> tuple[dict[str, Any], dict[str, Any]]:
        model, notes = self._loaded(), []
        self.loaded = model
        if is_mixed(model.get_config()):
            model, notes = self._in("float32", model), [MIXED]
        answer: dict[str, Any] = {
            "version": str(self.keras.__version__),
            "inputs": [described(x) for x in model.inputs],
            "notes": notes,
            "dtypes": {},
        }
        answer["dtypes"]["float32"] = self._run(model, "float32")
        self._train(model, "float32")
        try:
            self.keras.backend.set_floatx("float64")
            if self.request.get(
                "custom"
            ):  # layers that an author's layer makes have the global one
                self.keras.mixed_precision.set_global_policy("float64")
            precise = self._in("float64", model)
            answer["dtypes"]["float64"] = self._run(precise, "float64")
        except Exception as error:
            answer["notes"].append(f"Keras cannot run it in float64: {told(error)}")
        else:
            self._train(model, "float64")
        answer["layers"] = self.layers
        answer["training"] = self.training.told if self.training else None
        return answer, self.arrays

    def _train(self, model: Any, precision: str) -> None:
        if self.training is not None:
            self.training.run(lambda: self._in(precision, model), self.loaded, precision)
            self.arrays |= {f"training/{k}": a for k, a in self.training.arrays.items()}
            self.training.arrays.clear()

    def _loaded(self) -> Any:
        rebuilt = self.request.get("config")
        if rebuilt is not None:
            return self._rebuilt(rebuilt)
        path = self.folder / self.request["model"]
        weights = self.request.get("weights")
        if path.suffix == ".json":
            # Not through model_from_json's own reader of files: the text may start with a BOM.
            model = self.keras.models.model_from_json(path.read_text(encoding="utf-8-sig"))
        else:
            model = self._opened(path)
        if weights:
            model.load_weights(str(self.folder / weights))
        return model

    def _opened(self, path: Path) -> Any:
        if self.training is not None and self.training.own:
            try:
                return self.keras.models.load_model(path)
            except Exception:  # it may fail on what compile was given alone
                self.training.own = False
        return self.keras.models.load_model(path, compile=False)

    def _rebuilt(self, entry: dict[str, Any]) -> Any:
        """Return the model of a config in Keras 3's vocabulary, filled with torchtwin's arrays."""

        def keras2_hard_sigmoid(x: Any) -> Any:
            return self.keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

        self.keras.utils.get_custom_objects()["keras2_hard_sigmoid"] = keras2_hard_sigmoid
        cls = getattr(self.keras, "Model" if entry["class_name"] == "Functional" else "Sequential")
        model = cls.from_config(entry["config"])
        with np.load(self.folder / "weights.npz", allow_pickle=False) as arrays:
            for path, layer in walked(model):
                count = self.request["counts"].get(path, 0)
                if count or (layer.weights and not hasattr(layer, "layers")):
                    layer.set_weights([arrays[f"{path}/{k}"] for k in range(count)])
                    finalize(layer)
        return model

    def _in(self, dtype: str, model: Any) -> Any:
        """Return the model in float64, or in float32 where its policies are mixed."""
        made = type(model).from_config(in_precision(dtype, model.get_config()))
        made.set_weights(model.get_weights())
        for _, layer in walked(made):
            finalize(layer)
            exact_constants(layer)
        return made

    def _run(self, model: Any, precision: str) -> list[list[str]]:
        """Run every trial; return the dtypes of the outputs."""
        dtypes = []
        with np.load(self.folder / "inputs.npz", allow_pickle=False) as given:
            for trial in range(self.request["trials"]):
                count = len(model.inputs)
                inputs = [given[f"{trial}/{k}"] for k in range(count)]
                if precision == "float64":
                    inputs = [x.astype("float64") if x.dtype.kind == "f" else x for x in inputs]
                self.watching = bool(self.request["layers"]) and trial == 0
                if self.watching:
                    self._watch(model, precision)
                self._reset(model)
                result = model(self._packed(model, inputs), training=False)
                outputs = self._flat(result)
                dtypes.append([dtype_name(x) for x in outputs])
                for k, x in enumerate(outputs):
                    self.arrays[f"{precision}/{trial}/{k}"] = self._numpy(x)
        return dtypes

    def _packed(self, model: Any, inputs: list[Any]) -> Any:
        """Return inputs, given in the order of `model.inputs`, as the model takes them."""
        structure = getattr(model, "_inputs_struct", None)
        if isinstance(structure, dict):
            return self.keras.tree.pack_sequence_as(structure, inputs)
        return inputs if len(inputs) > 1 else inputs[0]

    def _reset(self, model: Any) -> None:
        """A stateful layer starts every trial anew, and so does the twin."""
        for _, layer in walked(model):
            if getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
                layer.reset_states()

    def _flat(self, result: Any) -> list[Any]:
        if self.legacy:
            return list(importlib.import_module("tensorflow").nest.flatten(result))
        return list(self.keras.tree.flatten(result))

    def _numpy(self, x: Any) -> Any:
        array = x.numpy() if self.legacy else self.keras.ops.convert_to_numpy(x)
        array = np.asarray(array)
        return array.astype("float32") if array.dtype.name in ("bfloat16", "float16") else array

    def _watch(self, model: Any, precision: str) -> None:
        """Keep what every layer returns in the next run."""
        calls: dict[str, int] = {}

        def watched(path: str, layer: Any) -> Callable[..., Any]:
            call = layer.call

            @functools.wraps(call)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                result = call(*args, **kwargs)
                if self.watching:
                    self._keep(path, type(layer).__name__, calls, precision, result)
                return result

            return wrapper

        for path, layer in walked(model):
            layer.call = watched(path, layer)

    def _keep(
        self, path: str, class_name: str, calls: dict[str, int], precision: str, result: Any
    ) -> None:
        number = calls[path] = calls.get(path, -1) + 1
        for tensor, x in enumerate(self._flat(result)):
            if not hasattr(x, "shape"):
                continue
            key = f"layers/{len(self.layers)}"
            self.arrays[key] = self._numpy(x)
            self.layers.append(
                {
                    "path": path, "class_name": class_name, "call": number, "tensor": tensor,
                    "precision": precision, "key": key,
                }
            )  # fmt: skip


def told(error: Exception) -> str:
    """Return an error in a line, without the frame and the colours that Keras puts around it."""
    lines = [re.sub(r"\x1b\[\d+m", "", line).strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith("Exception encountered")]
    return f"{type(error).__name__}: {kept[0] if kept else ''}"[:300]


def imported(legacy: bool, judge: str) -> Any:
    """Import the Keras asked for, with its settings as they are out of the box."""
    keras = importlib.import_module("tf_keras" if legacy else "keras")
    if not legacy:
        if int(keras.__version__.partition(".")[0]) < 3:
            raise ImportError(f"Keras {keras.__version__} is installed, it takes 3 or newer")
        if keras.backend.backend() != judge:
            raise ImportError(f"Keras runs on {keras.backend.backend()}, not on {judge}")
    else:
        library = importlib.import_module("tf_keras.src.saving.serialization_lib")
        # tf_keras forgets safe_mode in its reader of HDF5: code in a file must not run.
        library.SafeModeScope(True).__enter__()
    keras.backend.set_floatx("float32")
    keras.backend.set_image_data_format("channels_last")
    if judge != "jax":
        compute_exactly()
    else:
        # Keras narrows float64 to float32 on JAX wherever it promotes, even when JAX allows it.
        dtypes = importlib.import_module("keras.src.backend.common.dtypes")
        dtypes.BIT64_TO_BIT32_DTYPE.update(float64="float64")
    return keras


def described(tensor: Any) -> dict[str, Any]:
    return {
        "name": str(getattr(tensor, "name", "")),
        "shape": [None if n is None else int(n) for n in tensor.shape],
        "dtype": dtype_name(tensor),
    }


def dtype_name(tensor: Any) -> str:
    dtype = tensor.dtype
    return str(getattr(dtype, "name", dtype))


def finalize(layer: Any) -> None:
    """Let a Normalization layer compute with the weights that it was given."""
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()


def in_precision(dtype: str, config: Any) -> Any:
    """Return a config with its float dtypes and policies replaced: for float32 the mixed ones."""
    if isinstance(config, dict):
        return {
            key: dtype if key == "dtype" and replaces(dtype, value) else in_precision(dtype, value)
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(in_precision(dtype, value) for value in config)
    return config


def replaces(dtype: str, value: Any) -> bool:
    """Tell whether a dtype or a policy is one that gives way to `dtype`."""
    if isinstance(value, dict):
        inner = value.get("config")
        return isinstance(inner, dict) and replaces(dtype, inner.get("name"))
    kinds = FLOATS if dtype == "float64" else ("mixed_",)
    return isinstance(value, str) and value.startswith(kinds)


def is_mixed(config: Any) -> bool:
    """Tell whether a config has a policy that computes in another precision than its weights'."""
    if isinstance(config, dict):
        return any(
            (key == "dtype" and replaces("float32", value)) or is_mixed(value)
            for key, value in config.items()
        )
    return isinstance(config, list | tuple) and any(map(is_mixed, config))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
