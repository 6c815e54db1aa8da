"""Reads a live model of Keras 3, tf_keras or tf.keras through its config and its variables.

Nothing is imported: what the model is made of is in memory already.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from torchtwin.errors import UnreadableModel
from torchtwin.readers import assets, plain
from torchtwin.source import Array, Ordered, Source

if TYPE_CHECKING:
    import numpy as np

HOMES = ("keras", "tf_keras", "tensorflow")


def accepts(model: Any) -> bool:
    """Tell whether `model` is a Keras model, by where its classes come from."""
    return any(
        cls.__module__.split(".")[0] in HOMES and cls.__name__ == "Model"
        for cls in type(model).__mro__
    )


def read(model: Any) -> Source:
    try:
        config = plain.parsed(model.to_json(), "the model's config")
    except NotImplementedError as error:
        raise UnreadableModel(
            f"the model gives no config: {error}",
            hint="build it as Sequential or Functional, or write get_config",
        ) from None
    assets.from_live(model, config)
    compiled = _compiled(model) or config.pop("compile_config", None)
    config.pop("compile_config", None)
    return Source(
        config=config,
        version=str(config.get("keras_version") or _version(model)),
        format="live model",
        weights=Ordered({layer.name: _arrays(layer) for layer in model.layers}),
        compile=compiled if isinstance(compiled, dict) else None,
        optimizer=_optimizer(model),
    )


def _version(model: Any) -> str:
    """Return the version of the Keras that the model's class is from."""
    for cls in type(model).__mro__:
        home = cls.__module__.split(".")[0]
        if home in HOMES and cls.__name__ == "Model":
            module = sys.modules.get(home)
            found = getattr(module, "__version__", "") if home != "tensorflow" else ""
            return str(found) or "2"
    return "2"


def _compiled(model: Any) -> dict[str, Any] | None:
    """Return what `compile` was given, where the model can say it."""
    if not hasattr(model, "get_compile_config"):
        return None
    try:
        compiled = json.loads(json.dumps(model.get_compile_config()))
    except (TypeError, ValueError, AttributeError):
        return None
    if not isinstance(compiled, dict) or not compiled:
        return None
    given = getattr(getattr(model, "_compile_config", None), "config", None)
    _with_hidden(compiled, given)
    optimizer = getattr(model, "optimizer", None)
    _note_undecayed(optimizer, compiled.get("optimizer"), model.trainable_variables)
    return compiled


def _with_hidden(entry: Any, value: Any) -> None:
    """Add arguments that losses and metrics leave out of their config: Huber its `delta`, others
    their `axis` (keras/src/losses/losses.py)."""
    if isinstance(entry, dict) and isinstance(entry.get("config"), dict) and "class_name" in entry:
        for name, argument in getattr(value, "_fn_kwargs", {}).items():
            if argument is None or isinstance(argument, int | float | str):
                entry["config"].setdefault(name, argument)
    elif isinstance(entry, dict) and isinstance(value, dict):
        for key in entry.keys() & value.keys():
            _with_hidden(entry[key], value[key])
    elif isinstance(entry, list) and isinstance(value, list | tuple):
        for part, object_ in zip(entry, value, strict=False):
            _with_hidden(part, object_)


def _note_undecayed(optimizer: Any, entry: Any, variables: Any) -> None:
    """Keep in the config which variables `exclude_from_weight_decay` named: Keras does not.

    They are given by their places among the trainable ones.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        return
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:
        _note_undecayed(inner, entry["config"].get("inner_optimizer"), variables)
    uses = getattr(optimizer, "_use_weight_decay", None)
    if uses is None or not getattr(optimizer, "weight_decay", None):
        return
    places = [k for k, v in enumerate(variables) if not uses(v)]
    if places:
        entry["config"]["exclude_from_weight_decay"] = places


def _optimizer(model: Any) -> tuple[Array, ...]:
    variables = getattr(getattr(model, "optimizer", None), "variables", None)
    if variables is None:
        return ()
    return tuple(_array(v) for v in (variables() if callable(variables) else variables))


def _arrays(layer: Any) -> tuple[Array, ...]:
    lookup = getattr(layer, "_lookup_layer", layer)  # that of a TextVectorization
    if hasattr(lookup, "lookup_table"):  # its vocabulary is no array, its counters no weights
        return (_array(lookup.idf_weights),) if lookup.output_mode == "tf_idf" else ()
    weights = (*layer.trainable_weights, *layer.non_trainable_weights)
    return tuple(_array(v) for v in weights if hasattr(v, "numpy"))


def _array(variable: Any) -> Array:
    name = str(getattr(variable, "path", None) or variable.name)
    shape = tuple(variable.shape)
    if None in shape:  # a variable of TensorFlow may have another length later
        shape = variable.numpy().shape
    shape = tuple(int(n) for n in shape)
    dtype = getattr(variable.dtype, "name", str(variable.dtype))

    def read() -> np.ndarray:
        import numpy as np

        value = np.asarray(variable.numpy())
        return value.view(np.uint16) if dtype == "bfloat16" else value

    return Array(name, shape, dtype, read)
