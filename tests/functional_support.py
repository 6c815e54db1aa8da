"""Runs a functional program and its desugared twin in Keras, and compares the models they make."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from torchtwin.translate.functional import Desugared

Namespace = dict[str, Any]


def executed(source: str) -> Namespace:
    """Return what a program defines."""
    keras.utils.set_random_seed(7)
    namespace: Namespace = {"__name__": "program"}
    exec(compile(source, "program", "exec"), namespace)
    return namespace


def functional_of(namespace: Namespace) -> dict[str, Any]:
    """Return the functional models that a program made, by variable."""
    functional = type(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])._functional)
    return {name: v for name, v in namespace.items() if isinstance(v, functional)}


def models_of(namespace: Namespace) -> dict[str, Any]:
    """Return the models that a program made, by variable."""
    built = {
        name: v for name, v in namespace.items() if isinstance(v, keras.Sequential) and v.built
    }
    return functional_of(namespace) | built


def arrays_for(model: Any, seed: int) -> Any:
    """Return random inputs of a functional model, in the structure that it takes."""
    generator = np.random.default_rng(seed)

    def array(tensor: Any) -> Any:
        shape = [3, *(5 if size is None else size for size in tensor.shape[1:])]
        if "int" in tensor.dtype:
            return generator.integers(0, 4, shape).astype(tensor.dtype)
        return generator.normal(size=shape).astype(tensor.dtype)

    functional = getattr(model, "_functional", model)
    return keras.tree.map_structure(array, functional._inputs_struct)


def outputs(model: Any, arrays: Any) -> Any:
    """Return what a model gives, as arrays."""
    return keras.tree.map_structure(np.asarray, model(arrays, training=False))


def assert_equal(expected: Any, got: Any) -> None:
    """Compare structures, shapes and dtypes, then values."""
    keras.tree.assert_same_structure(expected, got)
    for a, b in zip(keras.tree.flatten(expected), keras.tree.flatten(got), strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=1e-9 if a.dtype == np.float64 else 1e-4, atol=1e-9)


def randomized(model: Any, seed: int) -> None:
    """Give a model weights of which no two are alike."""
    generator = np.random.default_rng(seed)
    weights = [generator.uniform(0.1, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()]
    model.set_weights(weights)


def in_order(model: Any, paths: list[str]) -> list[Any]:
    """Return the variables of a model's layers in the order of their paths."""
    found: list[Any] = []
    for path in paths:
        layer = model
        for part in path.split("."):
            layer = layer[int(part)] if part.isdigit() else getattr(layer, part)
        found += [w for w in layer.weights if not any(w is each for each in found)]
    return found


def compare(source: str, done: Desugared) -> int:
    """Compare each model of two programs, with the weights of one in the other; return how many."""
    original, changed = executed(source), executed(done.module.code)

    def weights(model: Any) -> list[Any]:
        paths = done.order.get(type(model).__name__)
        return in_order(model, paths) if paths else model.weights

    models = models_of(original)
    assert not functional_of(changed), "functional models are left"
    inputs = {name: arrays_for(model, 3) for name, model in models.items()}
    for name, model in models.items():
        changed[name](inputs[name])  # builds what is built at the first call
        before, after = model.get_weights(), weights(changed[name])
        assert [w.shape for w in before] == [tuple(w.shape) for w in after], name
    for seed, name in enumerate(models):
        randomized(models[name], seed)  # weights that models share are changed in all of them
        for variable, array in zip(weights(changed[name]), models[name].get_weights(), strict=True):
            variable.assign(array)
        for other, model in models.items():
            if seed + 1 == len(models) or other == name:
                assert_equal(outputs(model, inputs[other]), outputs(changed[other], inputs[other]))
    return len(models)
