"""Callbacks: the same epoch and the same action as Keras's, on recorded curves."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

import callback_support as support
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call
from torchtwin.refusals import refusal
from torchtwin.training import callbacks
from torchtwin.training.callbacks import callback_of, callbacks_of, direction
from torchtwin.training.parts.callbacks import LambdaCallback, LearningRateScheduler, Monitor
from torchtwin.training.parts.saving import BackupAndRestore

CLASSES = {name: cls for name, cls in vars(keras.callbacks).items() if inspect.isclass(cls)}
UNHEARD = {  # arguments of Keras's without one of ours, or with one value only
    "ModelCheckpoint": {"save_weights_only"},
    "TensorBoard": {
        "write_graph", "write_images", "profile_batch", "embeddings_freq", "embeddings_metadata",
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _as_precise_as_keras() -> Iterator[None]:
    """Keras on JAX compares in float64 here, because of conftest.py; so must torch."""
    torch.set_default_dtype(torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's, of figures that are not there
        yield
    torch.set_default_dtype(torch.float32)


def built(made: Call) -> Any:
    kwargs = {k: built(v) if isinstance(v, Call) else v for k, v in made.kwargs.items()}
    return made.function(*made.args, **kwargs)


def both(name: str, config: dict[str, Any]) -> tuple[Any, Any]:
    entry = {"class_name": name, "config": config}
    return CLASSES[name](**config), built(callback_of(entry, support.METRICS))


def settings(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return arguments at random."""
    config: dict[str, Any] = {
        "monitor": str(rng.choice(["loss", "val_loss", "accuracy", "val_accuracy"])),
        "mode": str(rng.choice(["auto", "min", "max"])),
    }
    if name == "ModelCheckpoint":
        config["save_best_only"] = bool(rng.random() < 0.7)
        config["initial_value_threshold"] = float(rng.normal()) if rng.random() < 0.3 else None
        return {k: v for k, v in config.items() if v is not None}
    config["min_delta"] = float(rng.choice([0, 1e-4, 0.01, -0.05]))
    config["patience"] = int(rng.integers(0, 5))
    if name == "EarlyStopping":
        config["baseline"] = float(rng.normal()) if rng.random() < 0.3 else None
        config["restore_best_weights"] = bool(rng.random() < 0.5)
        config["start_from_epoch"] = int(rng.choice([0, 0, 3]))
    else:
        config["factor"] = float(rng.choice([0.1, 0.5, 0.9]))
        config["cooldown"] = int(rng.integers(0, 4))
        config["min_lr"] = float(rng.choice([0, 1e-3, 0.5]))
    return config


@pytest.mark.parametrize("seed", range(60))
def test_early_stopping(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    config, curves = settings("EarlyStopping", rng), support.random_curves(rng, 30)
    theirs, ours = both("EarlyStopping", config)
    run = support.Run(tmp_path)
    support.same_events(
        support.keras_events(theirs, curves, 0.1), support.twin_events(ours, curves, run)
    )


@pytest.mark.parametrize("seed", range(40))
def test_reduce_on_plateau(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    config, curves = settings("ReduceLROnPlateau", rng), support.random_curves(rng, 30)
    theirs, ours = both("ReduceLROnPlateau", config)
    run = support.Run(tmp_path)
    support.same_events(
        support.keras_events(theirs, curves, 0.1), support.twin_events(ours, curves, run)
    )


def test_the_curves_make_callbacks_act(tmp_path: Path) -> None:
    """Without this, the comparisons above could be of callbacks that never do anything."""
    stops, rates = set(), set()
    for seed in range(30):
        for name in ("EarlyStopping", "ReduceLROnPlateau"):
            rng = np.random.default_rng(seed)
            config, curves = settings(name, rng), support.random_curves(rng, 30)
            ours = both(name, config)[1]
            events = list(support.twin_events(ours, curves, support.Run(tmp_path)))
            stops.add(len(events))
            rates.update(event[1] for event in events[:-1])
    assert len(stops) > 5
    assert len(rates) > 10


@pytest.mark.parametrize("seed", range(30))
def test_model_checkpoint(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    config, curves = settings("ModelCheckpoint", rng), support.random_curves(rng, 12)
    config["filepath"] = "a/{epoch:02d}-{loss:.2f}.keras"
    batches = []
    if seed % 3 == 0:
        config["save_freq"] = int(rng.integers(1, 6))
        config["filepath"] = "{epoch}-{batch:03d}-{accuracy:.3f}.keras"
        batches = support.random_curves(rng, 4)
    theirs, ours = both("ModelCheckpoint", config)
    if batches:
        theirs.set_model(support.keras_model())
        theirs._set_monitor_op()  # Keras fails in the first epoch: it is not set until its end
    wanted = list(support.keras_events(theirs, curves, 0.1, batches))
    for event in wanted[:-1]:
        event[2][:] = [name.replace(".keras", ".safetensors") for name in event[2]]
    assert wanted[-2][2] or "initial_value_threshold" in config
    run = support.Run(tmp_path)
    support.same_events(iter(wanted), support.twin_events(ours, curves, run, batches))


def test_a_name_of_a_file_needs_its_figures(tmp_path: Path) -> None:
    ours = both("ModelCheckpoint", {"filepath": "{val_loss:.2f}.keras"})[1]
    with pytest.raises(KeyError, match="only epoch, loss"):
        ours.on_epoch_end(support.Run(tmp_path), 0, {"loss": 1.0})


@pytest.mark.parametrize("raise_error", [False, True])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
def test_terminate_on_nan(bad: float, raise_error: bool, tmp_path: Path) -> None:
    batches = [{"loss": 1.0}, {"accuracy": math.nan}, {"loss": bad}, {"loss": 1.0}]
    theirs, ours = both("TerminateOnNaN", {"raise_error": raise_error})
    outcomes = []
    for events in (
        support.keras_events(theirs, [{"loss": 1.0}] * 2, 0.1, batches),
        support.twin_events(ours, [{"loss": 1.0}] * 2, support.Run(tmp_path), batches),
    ):
        try:
            outcomes.append([e[:1] if isinstance(e, tuple) else e for e in events])
        except RuntimeError:
            outcomes.append("failed")
    assert outcomes[0] == outcomes[1]


def test_learning_rate_scheduler(tmp_path: Path) -> None:
    curves = [{"loss": 1.0}] * 8
    functions = [
        lambda epoch, rate: rate * math.exp(-0.1) if epoch > 3 else rate,
        lambda epoch: 0.5 / (1 + epoch),
    ]
    for function in functions:
        theirs = keras.callbacks.LearningRateScheduler(function)
        support.same_events(
            support.keras_events(theirs, curves, 0.1),
            support.twin_events(LearningRateScheduler(function), curves, support.Run(tmp_path)),
        )


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.3, 0.3]),
        ({0: 0.5, 2: 0.25}, [0.5, 0.5, 0.25, 0.25, 0.25]),
        ({"3": 0.1}, [0.7, 0.7, 0.7, 0.1, 0.1]),
    ],
)
def test_a_table_of_learning_rates(table: Any, wanted: list[float], tmp_path: Path) -> None:
    made = callback_of({"class_name": "LearningRateScheduler", "config": {"schedule": table}})
    run = support.Run(tmp_path, 0.7)
    events = list(support.twin_events(built(made), [{"loss": 1.0}] * 5, run))
    assert [event[1] for event in events[:-1]] == wanted


def test_the_default_dtype_decides_what_is_better() -> None:
    """As ordinary Keras, in float32, on JAX and on TensorFlow (`ops.less` of two floats)."""
    close, than = 1.0, 1.0 + 1e-9
    assert Monitor("loss").better(close, than)
    torch.set_default_dtype(torch.float32)
    assert not Monitor("loss").better(close, than)
    assert Monitor("loss").better(1.0, 1.0 + 1e-6)


@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint"])
def test_a_resumed_run_acts_the_same(name: str, tmp_path: Path) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        config, curves = settings(name, rng), support.random_curves(rng, 20)
        if name == "ModelCheckpoint":
            config["filepath"] = "{epoch}.keras"
        runs = []
        for broken in (False, True):
            run, ours = support.Run(tmp_path), both(name, config)[1]
            for epoch, logs in enumerate(curves):
                if broken and epoch == 7:
                    state = ours.state_dict()
                    ours = both(name, config)[1]
                    ours.load_state_dict(state)
                torch.nn.init.constant_(run.module.bias, epoch)
                ours.on_epoch_begin(run, epoch)
                ours.on_epoch_end(run, epoch, dict(logs))
                if run.stop:
                    break
            ours.on_train_end(run, {})
            rate = run.optimizer.param_groups[0]["lr"]
            runs.append((epoch, run.stop, rate, run.saved, float(run.module.bias.detach())))
        assert runs[0] == runs[1]


class Interrupted(support.Run):
    """A run whose checkpoint is one number."""

    def save_checkpoint(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(self.epoch))

    def load_checkpoint(self, path: Path) -> None:
        self.epoch = int(path.read_text())


def test_backup_and_restore(tmp_path: Path) -> None:
    run = Interrupted(tmp_path)
    first = BackupAndRestore("backup", double_checkpoint=True)
    first.on_train_begin(run)
    for epoch in range(3):
        run.epoch = epoch + 1
        first.on_epoch_end(run, epoch, {})
    again = Interrupted(tmp_path)
    BackupAndRestore("backup", double_checkpoint=True).on_train_begin(again)
    assert again.epoch == 3
    (tmp_path / "backup" / "backup.pt").write_text("cut short")
    BackupAndRestore("backup", double_checkpoint=True).on_train_begin(again)
    assert again.epoch == 2
    (tmp_path / "backup" / "backup.previous.pt").unlink()
    with pytest.raises(ValueError, match="cut short"):
        BackupAndRestore("backup").on_train_begin(again)
    first.on_train_end(run, {})
    assert not list((tmp_path / "backup").iterdir())


@pytest.mark.parametrize("every", [1, 3, 4, 7])
def test_backup_every_few_batches(every: int, tmp_path: Path) -> None:
    """At the same batches as Keras."""
    seen: list[list[int]] = [[], []]
    theirs = keras.callbacks.BackupAndRestore(tmp_path / "k", save_freq=every)
    theirs._save_model = lambda: seen[0].append(count)
    ours = BackupAndRestore("b", save_freq=every)
    run = support.Run(tmp_path)
    run.save_checkpoint = lambda _: seen[1].append(count)
    count = 0
    for epoch in range(3):
        for batch in range(5):
            count += 1
            theirs.on_train_batch_end(batch)
            ours.on_batch_end(run, batch, {})
        theirs.on_epoch_end(epoch)
        ours.on_epoch_end(run, epoch, {})
    assert seen[0] == seen[1] != []


def test_lambda_callback(tmp_path: Path) -> None:
    seen: list[Any] = []
    ours = LambdaCallback(on_epoch_end=lambda *given: seen.append(given[1:]))
    list(support.twin_events(ours, [{"loss": 1.0}, {"loss": 2.0}], support.Run(tmp_path)))
    assert seen == [(0, {"loss": 1.0}), (1, {"loss": 2.0})]
    with pytest.raises(TypeError, match="on_epoch_ends"):
        LambdaCallback(on_epoch_ends=print)


def test_every_callback_of_keras_is_decided() -> None:
    refused = {name for name in CLASSES if refusal("callbacks", name)}
    assert set(CLASSES) == set(callbacks.PARTS) | refused
    for name in refused:
        with pytest.raises(UnsupportedError, match=name):
            callback_of(name)


@pytest.mark.parametrize("name", callbacks.PARTS)
def test_every_argument_of_keras_is_heard(name: str) -> None:
    theirs = set(inspect.signature(CLASSES[name]).parameters) - {"kwargs"}
    ours = set(inspect.signature(callbacks.PARTS[name]).parameters)
    assert ours == theirs - UNHEARD.get(name, set())
    for argument in ours:
        mine = inspect.signature(callbacks.PARTS[name]).parameters[argument].default
        assert mine == inspect.signature(CLASSES[name]).parameters[argument].default


def all_metrics() -> dict[str, Any]:
    from keras.src.metrics import ALL_OBJECTS_DICT

    return dict(ALL_OBJECTS_DICT)


def test_directions_are_those_of_keras() -> None:
    needed: dict[str, Any] = {
        "num_classes": 2, "target_class_ids": [0], "recall": 0.5, "precision": 0.5,
        "sensitivity": 0.5, "specificity": 0.5, "fn": abs,
    }  # fmt: skip
    for name, cls in inspect.getmembers(keras.metrics, inspect.isclass):
        if name == "Metric":
            continue
        wanted = {
            k: needed[k]
            for k, p in inspect.signature(cls).parameters.items()
            if p.default is p.empty and k in needed
        }
        made = cls(**wanted)
        kept = getattr(made, "_direction", None)
        entry = {"class_name": cls.__name__, "config": {}}
        assert direction(entry) == {"up": "max", "down": "min", None: ""}[kept], name


def test_directions_of_names_and_functions_are_those_of_keras() -> None:
    names = [n for n in all_metrics() if "metric" not in n.lower()]
    assert len(names) > 50
    for name in names:
        cls = all_metrics()[name]
        if all(p.default is not p.empty for p in inspect.signature(cls).parameters.values()):
            kept = getattr(keras.metrics.get(name), "_direction", None)
            assert direction(name) == {"up": "max", "down": "min", None: ""}[kept], name
    for home in (keras.losses, keras.metrics):
        for name, function in inspect.getmembers(home, inspect.isfunction):
            if name not in ("get", "serialize", "deserialize"):
                entry = {"class_name": "function", "config": name}
                kept = getattr(keras.metrics.MeanMetricWrapper(function), "_direction", None)
                if name == "categorical_generalized_cross_entropy":
                    kept = kept or "down"  # forgotten in keras.losses.ALL_OBJECTS
                assert direction(entry) == {"down": "min", None: ""}[kept], name
                wrapper = {"class_name": "MeanMetricWrapper", "config": {"fn": entry}}
                assert direction(wrapper) == direction(entry)
    assert direction("accuracy") == direction("acc") == "max"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("EarlyStoping", "EarlyStoping is not a callback"),
        (3, "3 is not a callback"),
        (("EarlyStopping", {"patients": 3}), "no argument 'patients'"),
        (("EarlyStopping", {"patience": "3"}), "patience='3' is no number"),
        (("EarlyStopping", {"restore_best_weights": "no"}), "not true or false"),
        (("EarlyStopping", {"monitor": "val_f1"}), "val_f1|f1 is better"),
        (("ModelCheckpoint", {}), "needs its argument filepath"),
        (("ModelCheckpoint", {"filepath": "a.keras", "save_freq": 0}), "save_freq=0"),
        (("BackupAndRestore", {"backup_dir": "a", "save_freq": False}), "save_freq=False"),
        (("BackupAndRestore", {"backup_dir": ""}), "without a folder"),
        (("ReduceLROnPlateau", {"factor": 1.0}), "does not reduce"),
        (("TensorBoard", {"profile_batch": 2}), "profile_batch"),
        (("TensorBoard", {"embeddings_freq": 1}), "embeddings_freq"),
        (("TensorBoard", {"write_images": True}), "write_images"),
        (("TensorBoard", {"update_freq": "second"}), "update_freq"),
        (("LearningRateScheduler", {"schedule": "exponential"}), "table"),
    ],
)
def test_refusals(entry: Any, said: str) -> None:
    if isinstance(entry, tuple):
        entry = {"class_name": entry[0], "config": entry[1]}
    with pytest.raises(UnsupportedError, match=said):
        callback_of(entry)


def test_what_does_not_fit_the_optimizer() -> None:
    for name, fits in (
        ("ReduceLROnPlateau", {"scheduled": True}),
        ("SwapEMAWeights", {"averages": False}),
    ):
        assert callbacks_of(name)
        with pytest.raises(UnsupportedError, match=name):
            callbacks_of(name, **fits)


def test_backups_come_last() -> None:
    backup = {"class_name": "BackupAndRestore", "config": {"backup_dir": "a"}}
    made = callbacks_of([backup, "EarlyStopping", "TerminateOnNaN"])
    assert [m.function.__name__ for m in made] == [
        "EarlyStopping", "TerminateOnNaN", "BackupAndRestore",
    ]  # fmt: skip
