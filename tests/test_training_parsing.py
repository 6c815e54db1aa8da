"""What people give for optimizers, losses, metrics and callbacks, as entries."""

from __future__ import annotations

import importlib.util
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from torchtwin.errors import UnsupportedError
from torchtwin.training.callbacks import PARTS, callback_of
from torchtwin.training.parsing import arguments_of, entry_of, parsed, signatures

ROOT = Path(__file__).parents[1]
DECAY = {
    "class_name": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.9},
}
HUBER = {"class_name": "Huber", "config": {"delta": 2.0}}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mse", "mse"),
        (' "mse" ', "mse"),
        ("None", None),
        ("keras.losses.mse", "mse"),
        ("keras.losses.Huber(2.0)", HUBER),
        ("Huber(delta=2.0)", HUBER),
        (json.dumps(HUBER), HUBER),
        ("[mse, Huber(2.0)]", ["mse", HUBER]),
        ("mse, Huber(2.0)", ["mse", HUBER]),
        ('{"a": mse, "b": Huber(2.0), "c": None}', {"a": "mse", "b": HUBER, "c": None}),
        ('{"a": "mse", "b": null}', {"a": "mse", "b": None}),
        (
            "SGD(ExponentialDecay(0.1, 1000, 0.9), nesterov=true)",
            {"class_name": "SGD", "config": {"learning_rate": DECAY, "nesterov": True}},
        ),
        (
            "PiecewiseConstantDecay((10, 20), [1., +0.1, -1e-3])",
            {
                "class_name": "PiecewiseConstantDecay",
                "config": {"boundaries": [10, 20], "values": [1.0, 0.1, -1e-3]},
            },
        ),
        (
            "EarlyStopping(baseline=-inf)",
            {"class_name": "EarlyStopping", "config": {"baseline": float("-inf")}},
        ),
        (
            "LearningRateScheduler({0: .1, 5: .01})",
            {"class_name": "LearningRateScheduler", "config": {"schedule": {0: 0.1, 5: 0.01}}},
        ),
        (
            'MeanMetricWrapper("mse", axis=-1)',
            {"class_name": "MeanMetricWrapper", "config": {"fn": "mse", "axis": -1}},
        ),
    ],
)
def test_a_text_becomes_an_entry(text: str, wanted: Any) -> None:
    assert parsed(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "", "(", "lambda y, p: p", "1 + 1", "x[0]", "mse if 1 else mae", "[x for x in y]",
        "os.system('true')", "__import__('os').system('true')", "Huber(2.0)(3)", "Huber(delta)",
        "Huber(*[1])", "Huber(**{'delta': 1})", "Huber(2.0, delta=2.0)",
        "Huber(1, 'a', 'b', 'c', 5)",
        "Huber(alpha=1)", "Hubert(1)", "f'{x}'", "b'mse'", "{**a}", "{x: mse}", "...", "1j",
        "Adam(lr=0.1)", "(" * 5000, "[" * 9000, "-" * 9000 + "1", "mse" * 5000, "x := mse",
    ],
)  # fmt: skip
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(UnsupportedError):
        parsed(text)


def test_classes_of_one_name_are_told_apart() -> None:
    loss = parsed("BinaryCrossentropy(True)", "losses")
    metric = parsed("BinaryCrossentropy('bce')", "metrics")
    assert (loss["config"], metric["config"]) == ({"from_logits": True}, {"name": "bce"})


HOMES = {
    "losses": [keras.losses], "metrics": [keras.metrics], "callbacks": [keras.callbacks],
    "optimizers": [keras.optimizers, keras.optimizers.schedules],
}  # fmt: skip


@pytest.mark.parametrize("kind", HOMES)
def test_arguments_by_position_are_those_of_keras(kind: str) -> None:
    for home in HOMES[kind]:
        for _, cls in inspect.getmembers(home, inspect.isclass):
            known = [a for a in arguments_of(cls.__name__, kind) or [] if a != "**"]
            own = [] if cls.__init__ is object.__init__ else inspect.signature(cls).parameters
            named = [a for a in own if a not in ("args", "kwargs", "params")]
            assert known[: len(named)] == named, cls
            if len(named) > 1:
                text = f"{cls.__name__}({', '.join(map(str, range(len(named))))})"
                config = parsed(text, kind)["config"]
                assert config == {name: k for k, name in enumerate(named)}


def test_the_table_is_that_of_the_installed_keras() -> None:
    path = ROOT / "scripts" / "make_signatures.py"
    spec = importlib.util.spec_from_file_location("make_signatures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.signatures() == signatures()


@pytest.mark.parametrize(
    "value",
    [
        keras.losses.Huber(2.0),
        keras.metrics.AUC(name="auc", thresholds=[0.1, 0.5]),
        keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 1000, 0.9)),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.5)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_of_keras_becomes_the_entry_that_makes_it(value: Any) -> None:
    entry = json.loads(json.dumps(entry_of(value)))
    module = {"Huber": keras.losses, "AUC": keras.metrics}.get(entry["class_name"])
    again = (module or keras.optimizers).deserialize(entry)
    assert type(again) is type(value)
    assert again.get_config() == value.get_config()


@pytest.mark.parametrize("kind", ["losses", "metrics"])
def test_no_argument_of_a_live_object_is_lost(kind: str) -> None:
    """Keras's own configs leave some out: the delta of Huber, the axis of CosineSimilarity."""
    odd = {
        "from_logits": True, "label_smoothing": 0.1, "axis": -2, "alpha": 0.3, "gamma": 1.5,
        "apply_class_balancing": True, "delta": 2.0, "q": 0.7, "margin": 0.3, "beta": 0.6,
        "remove_diagonal": False, "ignore_class": 1, "name": "odd", "dtype": "float64",
        "from_sorted_ids": True, "threshold": 0.3, "k": 3, "class_id": 0, "top_k": 2,
        "num_classes": 3, "target_class_ids": [1], "recall": 0.3, "precision": 0.3,
        "sensitivity": 0.3, "specificity": 0.3, "average": "micro", "num_thresholds": 7,
        "num_labels": 3, "multi_label": True, "curve": "PR", "sparse_y_true": False,
        "sparse_y_pred": False, "summation_method": "majoring", "num_regressors": 1,
        "class_aggregation": "variance_weighted_average", "fn": keras.losses.Huber(2.0),
    }  # fmt: skip
    if kind == "losses":
        odd["reduction"] = "sum"
    home = getattr(keras, kind)
    for name, cls in inspect.getmembers(home, inspect.isclass):
        config = {k: odd[k] for k in inspect.signature(cls).parameters if k in odd}
        found = entry_of(cls(**config))["config"]
        if "fn" in config:
            config["fn"] = found["fn"]
        assert {k: found.get(k) for k in config} == config, name


def test_entries_and_structures_of_entries_stay() -> None:
    given = {
        "a": ["mse", None, HUBER],
        "b": (keras.losses.Huber(2.0), keras.losses.mean_squared_error),
    }
    entry = entry_of(given)
    assert entry["a"] == given["a"]
    assert entry["b"][0]["config"]["delta"] == 2.0
    assert entry["b"][1] == "mean_squared_error"
    assert entry_of(keras.losses.Huber) == "Huber"
    assert entry_of(np.float64(0.5)) == 0.5


GIVEN: dict[str, dict[str, Any]] = {
    "EarlyStopping": {
        "monitor": "loss", "min_delta": 0.5, "patience": 2, "verbose": 1, "mode": "max",
        "baseline": 1.0, "restore_best_weights": True, "start_from_epoch": 3,
    },
    "ReduceLROnPlateau": {
        "monitor": "loss", "factor": 0.5, "patience": 3, "verbose": 1, "mode": "max",
        "min_delta": 0.5, "cooldown": 2, "min_lr": 0.1,
    },
    "ModelCheckpoint": {
        "filepath": "a.weights.h5", "monitor": "loss", "verbose": 1, "save_best_only": True,
        "save_weights_only": True, "mode": "max", "save_freq": 3, "initial_value_threshold": 1.0,
    },
    "CSVLogger": {"filename": "a.csv", "separator": ";", "append": True},
    "TerminateOnNaN": {"raise_error": True},
    "SwapEMAWeights": {"swap_on_epoch": True},
    "BackupAndRestore": {
        "backup_dir": "a", "save_freq": 3, "double_checkpoint": True, "delete_checkpoint": False,
    },
    "TensorBoard": {
        "log_dir": "a", "histogram_freq": 2, "write_steps_per_second": True, "update_freq": 3,
    },
    "RemoteMonitor": {
        "root": "http://a", "path": "/b", "field": "c", "headers": {"d": "e"},
        "send_as_json": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PARTS.keys() - {"LearningRateScheduler"}))
def test_a_live_callback_is_its_arguments(name: str) -> None:
    config = GIVEN[name]
    from_live = callback_of(entry_of(getattr(keras.callbacks, name)(**config)))
    from_text = callback_of({"class_name": name, "config": config})
    assert from_live.function is from_text.function
    assert from_live.kwargs == from_text.kwargs
    assert set(config) - set(from_live.kwargs) <= {"save_weights_only"}


def test_own_code_is_refused() -> None:
    class Mine(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return y_true - y_pred

    own = [
        Mine(), Mine, lambda *_: 0, keras.callbacks.LearningRateScheduler(lambda _: 0.1),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: None), object(),
    ]  # fmt: skip
    for value in own:
        with pytest.raises(UnsupportedError, match="not part of Keras"):
            entry_of(value)


def test_keras_is_not_imported() -> None:
    program = (
        "import sys; from torchtwin.training.parsing import parsed\n"
        "parsed('Adam(0.1)'); assert not {'torch', 'keras', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
