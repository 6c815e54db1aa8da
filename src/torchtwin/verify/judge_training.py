"""The judge's second part: trains the Keras model for some steps, and keeps what came of it.

As `judge`, it imports neither torch nor the rest of torchtwin. Every step is Keras's own
`train_on_batch`.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.verify.judge_exact import hold_exactly

RATES = ("rate", "stddev", "dropout", "recurrent_dropout")
"""Attributes of Keras layers that let chance in."""

HOMES = {"optimizer": "optimizers", "loss": "losses", "metrics": "metrics",
         "weighted_metrics": "metrics"}  # fmt: skip
KNOWN = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")


class Training:
    """Trains copies of a model, one in each precision, on the batches of a request."""

    def __init__(self, keras: Any, request: Mapping[str, Any], folder: Path) -> None:
        self.keras, self.folder = keras, folder
        self.legacy, self.backend = request["judge"] == "tf_keras", request["judge"]
        self.steps: int = request["training"]["steps"]
        self.seconds: float = request["training"]["seconds"]
        self.entries: dict[str, Any] = request["training"]["compile"]
        self.own: bool = request["training"]["own"]
        self.old: bool = request["training"]["old"]
        self.arrays: dict[str, Any] = {}
        problem = request["training"]["problem"]
        self.told: dict[str, Any] = {"losses": {}, "figures": {}, "order": {}, "problem": problem}

    def run(self, made: Callable[[], Any], model: Any, precision: str) -> None:
        """Train what `made` returns, a copy of `model`, compiled as that is."""
        if self.told["problem"]:
            return
        try:
            copy = made()
            quieten(copy)
            self._compile(copy, model)
            self._train(copy, precision)
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            self.told["problem"] = f"Keras does not train it: {type(error).__name__}: {text}"

    def _compile(self, copy: Any, model: Any) -> None:
        """Compile a copy as its file says, or as torchtwin read it."""
        if self.own and getattr(model, "optimizer", None) is not None:
            config = exact(model.get_compile_config())
            given = self.keras.saving.deserialize_keras_object(config)
        elif self.legacy:
            given = {k: self._objects(v, k) for k, v in exact(self.entries).items()}
        else:
            config = self._with_modules(exact(self.entries))
            given = self.keras.saving.deserialize_keras_object(config)
        given = {k: v for k, v in given.items() if k in KNOWN and v is not None}
        # On TensorFlow, some steps take less time than tracing one.
        eager = self.backend != "jax"
        if hasattr(given["optimizer"], "_hyper"):
            hold_exactly(given["optimizer"])
        copy.compile(**given, run_eagerly=eager, **({} if self.legacy else {"jit_compile": False}))

    def _objects(self, value: Any, kind: str) -> Any:
        """Return what tf_keras makes of entries."""
        home: Any = getattr(self.keras, HOMES.get(kind, ""), None)
        if isinstance(value, Mapping) and {"class_name", "config"} <= set(value):
            if kind == "optimizer" and self.old:
                name = str(value["class_name"]).lower()
                classes = {k.lower(): v for k, v in vars(home.legacy).items()}
                return classes[name].from_config(dict(value["config"]))
            if value["class_name"] == "MeanMetricWrapper":
                config = {k: v for k, v in value["config"].items() if k != "dtype"}
                return home.MeanMetricWrapper(**{**config, "fn": home.get(config["fn"])})
            return home.get(dict(value)) if home else value
        if isinstance(value, Mapping):
            return {k: self._objects(v, kind) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._objects(v, kind) for v in value]
        if kind == "optimizer" and self.old and isinstance(value, str):
            return self._objects({"class_name": value, "config": {}}, kind)
        return home.get(value) if home and kind == "optimizer" else value

    def _with_modules(self, entry: Any) -> Any:
        """Return entries of Keras 3's vocabulary with the modules that Keras asks for."""
        if isinstance(entry, list | tuple):
            return [self._with_modules(part) for part in entry]
        if not isinstance(entry, Mapping):
            return entry
        result = {k: self._with_modules(v) for k, v in entry.items()}
        if "class_name" in entry and "config" in entry and "module" not in entry:
            homes = {f"keras.{name}": getattr(self.keras, name) for name in HOMES.values()}
            homes["keras.optimizers.schedules"] = self.keras.optimizers.schedules
            found = [m for m, home in homes.items() if hasattr(home, str(entry["class_name"]))]
            if isinstance(result["config"], dict):
                result["config"].pop("differences", None)
            if found:
                result |= {"module": found[-1], "registered_name": None}
        return result

    def _train(self, model: Any, precision: str) -> None:
        self._keep(model, f"{precision}/before")
        self._record_gradients(model, precision)
        losses: list[float] = self.told["losses"].setdefault(precision, [])
        figures = self.told["figures"].setdefault(precision, [])
        times = [time.monotonic()]
        for x, y in self._batches(model, precision):
            logs = model.train_on_batch(x, y, return_dict=True)
            figures.append({k: float(v) for k, v in logs.items() if np.ndim(v) == 0})
            losses.append(figures[-1]["loss"])
            times.append(time.monotonic())
            # The first step takes longer than the others where it is compiled.
            coming = times[-1] - times[-2] if len(times) > 2 else 0.0
            if times[-1] - times[0] + coming > self.seconds:
                break
        if hasattr(model, "jax_state_sync"):
            model.jax_state_sync()
        self._keep(model, f"{precision}/after")

    def _batches(self, model: Any, precision: str) -> Iterator[tuple[Any, Any]]:
        with np.load(self.folder / "training.npz", allow_pickle=False) as given:
            for step in range(self.steps):
                sides = []
                for side, count in (("x", len(model.inputs)), ("y", len(model.outputs))):
                    arrays = [given[f"{step}/{side}/{k}"] for k in range(count)]
                    if precision == "float64":
                        arrays = [a.astype("f8") if a.dtype.kind == "f" else a for a in arrays]
                    sides.append(arrays)
                reset(model)
                yield (
                    self._packed(model, sides[0], "inputs"),
                    self._packed(model, sides[1], "outputs"),
                )

    def _packed(self, model: Any, arrays: list[Any], side: str) -> Any:
        structure = getattr(model, f"_{side}_struct", None)
        if isinstance(structure, dict):
            return self.keras.tree.pack_sequence_as(structure, arrays)
        nested = getattr(model, f"_nested_{side}", None)
        if isinstance(nested, dict):
            return dict(zip(sorted(nested), arrays, strict=True))
        return arrays if len(arrays) > 1 else arrays[0]

    def _record_gradients(self, model: Any, precision: str) -> None:
        """Keep the gradients that the optimizer is given in the first step."""
        optimizer, names = model.optimizer, self._names(model)
        kept: dict[int, str] = {id(v): name for name, v in names}
        order = [kept.get(id(v), "") for v in model.trainable_variables]
        scale = float(getattr(optimizer, "initial_scale", 1.0))

        def keep(*gradients: Any) -> None:
            for name, g in zip(order, gradients, strict=True):
                key = f"{precision}/gradients/{name}"
                if name and g is not None and key not in self.arrays:
                    self.arrays[key] = np.asarray(g) / scale

        if self.backend == "jax":
            self._record_jax(optimizer, keep)
            return
        self._record_tensorflow(model, keep)

    def _record_tensorflow(self, model: Any, keep: Callable[..., None]) -> None:
        """Keep the gradients, and hand on those of tables as whole arrays.

        Keras 3 on TensorFlow squares the gradients of an embedding's rows before it adds up those
        of the same row (keras/src/backend/tensorflow/sparse.py); on JAX they are added up before.
        """
        tf: Any = importlib.import_module("tensorflow")
        apply = model.optimizer.apply_gradients

        def recording(pairs: Any, *args: Any, **kwargs: Any) -> Any:
            pairs = list(pairs)
            whole = [(None if g is None else tf.convert_to_tensor(g), v) for g, v in pairs]
            by_variable = {id(v): g for g, v in whole}
            found = [by_variable.get(id(v)) for v in model.trainable_variables]
            keep(*(None if g is None else g.numpy() for g in found))
            return apply(pairs if self.legacy else whole, *args, **kwargs)

        model.optimizer.apply_gradients = recording

    def _record_jax(self, optimizer: Any, keep: Callable[..., None]) -> None:
        jax, apply = importlib.import_module("jax"), optimizer.stateless_apply

        def recording(variables: Any, gradients: Any, trained: Any) -> Any:
            jax.debug.callback(keep, *gradients)
            return apply(variables, gradients, trained)

        optimizer.stateless_apply = recording

    def _names(self, model: Any) -> list[tuple[str, Any]]:
        return [
            (f"{path}/{k}", variable)
            for path, layer in walked(model)
            if not (hasattr(layer, "layers") and hasattr(layer, "inputs"))
            for k, variable in enumerate(layer.weights)
        ]

    def _keep(self, model: Any, key: str) -> None:
        if self.backend == "jax":
            importlib.import_module("jax").effects_barrier()
        for name, variable in self._names(model):
            value = variable.numpy() if self.legacy else self.keras.ops.convert_to_numpy(variable)
            self.arrays[f"{key}/{name}"] = np.array(value)
            path, _, number = name.rpartition("/")
            self.told["order"][path] = int(number) + 1


def quieten(model: Any) -> None:
    """Turn off all dropout and noise: two libraries never draw the same numbers."""
    for layer in model._flatten_layers():
        for name in RATES:
            if isinstance(getattr(layer, name, None), float | int):
                try:
                    setattr(layer, name, 0.0)
                except AttributeError:  # a property of a cell's own attribute
                    continue


def reset(model: Any) -> None:
    """Let stateful layers start anew, as the twin's do."""
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False):
            for name in ("reset_state", "reset_states"):
                if hasattr(layer, name):
                    getattr(layer, name)()
                    break


def exact(config: Any) -> Any:
    """Return a config with 0.001 for 0.0010000000474974513: float32 was in between."""
    if isinstance(config, dict):
        return {k: exact(v) for k, v in config.items()}
    if isinstance(config, Sequence) and not isinstance(config, str):
        return [exact(v) for v in config]
    if isinstance(config, float) and float(np.float32(config)) == config:
        return float(str(np.float32(config)))
    return config


def walked(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every layer with its path, those of nested models first."""
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if hasattr(layer, "layers") and hasattr(layer, "inputs"):
            yield from walked(layer, f"{path}/")
        yield path, layer
