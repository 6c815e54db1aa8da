"""train.py as people run it: alone, on numpy files, without Keras or torchtwin."""

from __future__ import annotations

import csv
import os
import pty
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl
from safetensors.numpy import load_file

import torchtwin

BLOCKED = ("torchtwin", "keras", "tensorflow", "tf_keras", "jax", "h5py", "pyfive", "rich")
RUN = """
import runpy, sys
sys.modules.update(dict.fromkeys({blocked!r}))  # to import them fails
sys.argv = ["train.py", *sys.argv[1:]]
sys.path.insert(0, ".")
runpy.run_path("train.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin of a Keras model that has trained for 3 epochs, and data."""
    folder = tmp_path_factory.mktemp("script")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(150, 6, 6, 2)).astype("float32")
    y = rng.integers(0, 4, 150)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2), name="image"),
            kl.Conv2D(3, 3, activation="relu"),
            kl.Flatten(),
            kl.Dense(4, activation="softmax", name="kind"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=3, shuffle=False, verbose=0)
    model.save(folder / "model.keras")
    more = model.fit(x, y, epochs=2, shuffle=False, verbose=0).history
    torchtwin.convert(folder / "model.keras").save(folder)
    np.save(folder / "resumed.npy", [more["loss"], more["accuracy"]])
    np.save(folder / "keras_out.npy", keras.saving.load_model(folder / "model.keras").predict(x))
    np.save(folder / "x.npy", x)
    np.save(folder / "first.npy", np.moveaxis(x, -1, 1))
    np.save(folder / "y.npy", y)
    np.save(folder / "w.npy", rng.uniform(0, 2, 150).astype("float32"))
    return folder


def run(folder: Path, *arguments: str, blocked: tuple[str, ...] = BLOCKED) -> str:
    done = attempt(folder, *arguments, blocked=blocked)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def attempt(
    folder: Path, *arguments: str, blocked: tuple[str, ...] = BLOCKED
) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", RUN.format(blocked=blocked), *arguments]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)


def history(folder: Path, output: str) -> list[dict[str, str]]:
    with (folder / output / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_goes_on_where_keras_stopped(folder: Path) -> None:
    data = ("--x", "x.npy", "--y", "y.npy", "--channels-last", "--no-shuffle", "--epochs", "2")
    run(folder, *data, "--resume", "--output", "resumed")
    loss, accuracy = np.load(folder / "resumed.npy")
    rows = history(folder, "resumed")
    assert list(rows[0]) == ["epoch", "accuracy", "loss"]
    np.testing.assert_allclose([float(r["loss"]) for r in rows], loss, rtol=1e-4)
    np.testing.assert_allclose([float(r["accuracy"]) for r in rows], accuracy, rtol=1e-4)
    run(folder, *data, "--output", "fresh")
    assert history(folder, "fresh")[1]["loss"] != rows[1]["loss"]


def test_validation_weights_and_files(folder: Path) -> None:
    shown = run(
        folder, "--x", "first.npy", "--y", "y.npy", "--validation-split", "0.2", "--epochs", "3",
        "--sample-weight", "w.npy", "--batch-size", "16", "--seed", "4", "--output", "weighted",
    )  # fmt: skip
    assert "Epoch 3/3" in shown
    assert "val_loss" in shown
    written = {str(p.relative_to(folder / "weighted")) for p in (folder / "weighted").rglob("*.*")}
    assert written == {"history.csv", "history.png", "model.safetensors", "checkpoints/last.pt"}
    assert len(history(folder, "weighted")) == 3
    old, new = (load_file(folder / p / "model.safetensors") for p in (".", "weighted"))
    assert old.keys() == new.keys()
    assert all(old[name].shape == new[name].shape for name in old)
    assert any((old[name] != new[name]).any() for name in old)


def test_without_matplotlib_there_is_no_picture(folder: Path) -> None:
    data = ("--x", "first.npy", "--y", "y.npy", "--validation-x", "first.npy")
    shown = run(
        folder, *data, "--validation-y", "y.npy", "--output", "plain", "--from-scratch",
        "--class-weight", '{"0": 2.0, "1": 0.5}',
        blocked=(*BLOCKED, "matplotlib.backends.backend_agg"),
    )  # fmt: skip
    assert "matplotlib" in shown
    assert not (folder / "plain" / "history.png").exists()
    assert list(history(folder, "plain")[0]) == [
        "epoch", "accuracy", "loss", "val_accuracy", "val_loss",
    ]  # fmt: skip


def test_it_predicts_and_evaluates(folder: Path) -> None:
    run(folder, "--x", "x.npy", "--channels-last", "--predict", "out.npy")
    run(folder, "--x", "x.npy", "--predict", "found.npy")  # they fit in no other way
    got, wanted = np.load(folder / "out.npy"), np.load(folder / "keras_out.npy")
    np.testing.assert_array_equal(got, np.load(folder / "found.npy"))
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, atol=1e-5)
    told = run(folder, "--x", "first.npy", "--y", "y.npy", "--evaluate")
    loss = -np.log(wanted[np.arange(150), np.load(folder / "y.npy")]).mean()
    assert f'"loss": {loss:.4f}'[:-1] in told


def test_the_bar_of_a_terminal(folder: Path) -> None:
    """In a terminal the line of an epoch is drawn again and again, through the validation."""
    program = [sys.executable, "train.py", "--x", "first.npy", "--y", "y.npy", "--epochs", "2"]
    program += ["--validation-split", "0.3", "--batch-size", "2", "--output", "shown"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(program, cwd=folder, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # how a terminal ends on Linux
                break
            shown += part
            if not part:
                break
    text = shown.decode()
    assert running.returncode == 0, text
    assert "validating" in text
    last = [line.rpartition("\r\033[K")[2] for line in text.split("\r\n") if line]
    assert [line[:9] for line in last] == ["Epoch 1/2", "Epoch 2/2"]
    assert all("val_accuracy" in line for line in last)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--x", "w.npy", "--y", "y.npy"), "w.npy: (150,), but image is (n, 2, 6, 6)"),
        (("--x", "first.npy"), "--y: the targets are missing"),
        (("--x", "first.npy", "y.npy", "--y", "y.npy"), "1 file"),
        (("--x", "first.npy", "--y", "out.npy", "--resume", "none.pt"), "none.pt"),
        (("--x", "first.npy", "--y", "y.npy", "--validation-split", "1.0"), "cannot be split"),
    ],
)
def test_it_says_what_is_wrong(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    done = attempt(folder, *arguments, "--output", "wrong")
    assert done.returncode != 0
    assert told in done.stderr
