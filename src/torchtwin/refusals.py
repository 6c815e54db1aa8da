"""What of Keras is not translated, on purpose: by its public name, with the reason and a way on.

The errors say it, docs/layers.md lists it, and the coverage test takes nothing else for an excuse.
"""

from __future__ import annotations

from dataclasses import dataclass

from torchtwin.errors import UnsupportedError


@dataclass(frozen=True)
class Refusal:
    """Why a name is not translated, and what to try."""

    reason: str
    hint: str

    def error(self, name: str) -> UnsupportedError:
        return UnsupportedError(f"{name} is not translated: {self.reason}", hint=self.hint)


_BASE = "it is a class to inherit from"
_SOURCE = "give the Python source of your own class: --custom FILE"
_OWN = (
    "write the function with keras.ops in a layer of your own, and give its source: --custom FILE"
)
_TOOL = Refusal("it reads and writes configs, and is no part of a model", "convert the model")

REFUSALS: dict[str, Refusal] = {
    "layers.TFSMLayer": Refusal(
        "it runs a graph of TensorFlow, in a SavedModel outside the file",
        "convert the Keras model that the SavedModel was exported from",
    ),
    "layers.JaxLayer": Refusal("it runs a function of JAX, which is not in the file", _OWN),
    "layers.FlaxLayer": Refusal("it runs a module of Flax, which is not in the file", _OWN),
    "layers.TorchModuleWrapper": Refusal(
        "it holds a pickled PyTorch module, and nothing in a file is unpickled",
        "take the module itself, and convert the rest of the model",
    ),
    "layers.InputSpec": Refusal("it says what a layer takes, and computes nothing", _SOURCE),
    "layers.Layer": Refusal(_BASE, _SOURCE),
    "layers.Wrapper": Refusal(_BASE, _SOURCE),
    "ops.custom_gradient": Refusal(
        "its gradient is a Python function, which no file holds",
        "write it as a torch.autograd.Function",
    ),
    "ops.vectorize": Refusal(
        "it makes a function of a Python function, which no file holds",
        "write the function for whole tensors, or with torch.vmap",
    ),
    **{
        f"initializers.{name}": Refusal(
            "it makes the filters of STFTSpectrogram, which come as that layer's weights",
            "use the layer STFTSpectrogram",
        )
        for name in ("STFT", "STFTInitializer", "stft")
    },
    "random.SeedGenerator": Refusal(
        "it holds the state of a random generator, and PyTorch has its own",
        "seed with torch.manual_seed",
    ),
    "initializers.Initializer": Refusal(_BASE, _SOURCE),
    "regularizers.Regularizer": Refusal(_BASE, _SOURCE),
    "losses.Loss": Refusal(_BASE, _SOURCE),
    "metrics.Metric": Refusal(_BASE, _SOURCE),
    "metrics.Mean": Refusal(
        "it averages values that a program gives it; a compiled metric gets targets and outputs",
        "use one of the metrics that compare, such as MeanSquaredError",
    ),
    "metrics.Sum": Refusal(
        "it adds values that a program gives it; a compiled metric gets targets and outputs",
        "use one of the metrics that compare, such as MeanSquaredError",
    ),
    "optimizers.Optimizer": Refusal(_BASE, "give one of Keras's optimizers: --optimizer Adam"),
    "optimizers.OptimizerMap": Refusal(
        "it only holds the optimizers of a MultiOptimizer", "give the MultiOptimizer"
    ),
    "optimizers.schedules.LearningRateSchedule": Refusal(
        _BASE, "give one of Keras's schedules, such as CosineDecay"
    ),
    "callbacks.Callback": Refusal("it does nothing by itself", _SOURCE),
    "callbacks.CallbackList": Refusal("it only holds others", "give the callbacks in it"),
    "callbacks.History": Refusal(
        "train.py always writes its history", "look at history.csv and history.png"
    ),
    "callbacks.LambdaCallback": Refusal(
        "its functions cannot be read", "give them to LambdaCallback in train.py"
    ),
    "callbacks.OrbaxCheckpoint": Refusal(
        "it writes checkpoints of JAX", "use ModelCheckpoint or BackupAndRestore"
    ),
    "callbacks.ProgbarLogger": Refusal("train.py always shows its progress", "see --verbose"),
    **{
        f"{module}.get": _TOOL
        for module in (
            "activations",
            "initializers",
            "regularizers",
            "constraints",
            "losses",
            "metrics",
            "optimizers",
        )
    },
    **{
        f"{module}.{name}": _TOOL
        for name in ("deserialize", "serialize")
        for module in (
            "layers",
            "activations",
            "initializers",
            "regularizers",
            "constraints",
            "losses",
            "metrics",
            "optimizers",
            "optimizers.schedules",
        )
    },
}
"""By module and public name."""


def refusal(module: str, name: str) -> Refusal | None:
    """Return why a public name of one of Keras's modules is refused, None for any other."""
    return REFUSALS.get(f"{module}.{name}")


def is_tool(path: str) -> bool:
    """Tell whether a name of `REFUSALS` belongs to the handling of configs."""
    return REFUSALS[path] is _TOOL
