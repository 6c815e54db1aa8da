"""Several processes on one machine train as one; a run that was killed goes on with others."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl
from safetensors.torch import load_file

import torchtwin

EPOCHS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin with batch statistics, masks, penalties and two losses, and data of uneven length."""
    folder = tmp_path_factory.mktemp("twin")
    given = keras.Input((5, 3), name="given")
    x = kl.BatchNormalization(momentum=0.7)(kl.Masking()(given))
    x = kl.GRU(6, return_sequences=True, activity_regularizer="l2")(x)
    tags = kl.Dense(3, activation="softmax", name="tag")(x)
    x = kl.BatchNormalization(momentum=0.7)(kl.GlobalAveragePooling1D()(x))
    limit = keras.constraints.MaxNorm(0.5)
    size = kl.Dense(1, name="size", kernel_regularizer="l1", kernel_constraint=limit)(x)
    model = keras.Model(given, [tags, size])
    model.compile(
        keras.optimizers.Adam(0.01, global_clipnorm=0.5),
        loss={"tag": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"tag": 1.0, "size": 0.3},
        metrics={"tag": ["accuracy"], "size": ["mae", keras.metrics.R2Score()]},
    )
    torchtwin.convert(model).save(folder)
    rng = np.random.default_rng(5)
    given = rng.normal(size=(201, 5, 3)).astype("float32")
    given[::3, 3:] = 0.0
    np.save(folder / "x.npy", given)
    np.save(folder / "tag.npy", rng.integers(0, 3, (201, 5)))
    np.save(folder / "size.npy", rng.normal(size=(201, 1)).astype("float32"))
    np.save(folder / "steps.npy", rng.uniform(0, 2, (201, 5)).astype("float32"))
    np.save(folder / "samples.npy", rng.uniform(0, 2, 201).astype("float32"))
    return folder


def command(processes: int, output: str, *more: str) -> list[str]:
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    start += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    plain = [sys.executable] if processes == 1 else start
    data = ["--x", "x.npy", "--y", "tag.npy", "size.npy", "--sample-weight"]
    data += [
        "steps.npy",
        "samples.npy",
        "--validation-split",
        "0.1",
        "--batch-size",
        "7",
        "--epochs",
        str(EPOCHS),
    ]
    return [*plain, "train.py", *data, "--output", output, "--verbose", "2", *more]


def train(folder: Path, processes: int, output: str, *more: str) -> None:
    made = command(processes, output, *more)
    done = subprocess.run(made, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def history(folder: Path, output: str) -> list[dict[str, float]]:
    with (folder / output / "history.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def alone(folder: Path) -> list[dict[str, float]]:
    train(folder, 1, "alone")
    found = history(folder, "alone")
    assert [row["epoch"] for row in found] == list(range(EPOCHS))
    assert {"tag_loss", "val_size_loss", "val_tag_accuracy", "size_r2_score"} <= set(found[0])
    return found


def check(folder: Path, output: str, wanted: list[dict[str, float]]) -> None:
    """The same curves and the same weights, as far as float32 adds in another order."""
    found = history(folder, output)
    assert len(found) == len(wanted)
    for got, row in zip(found, wanted, strict=True):
        assert got == pytest.approx(row, rel=1e-4, abs=1e-5)
    got, kept = (load_file(folder / name / "model.safetensors") for name in (output, "alone"))
    assert got.keys() == kept.keys()
    for name, value in got.items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(value, kept[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("processes", "more"), [(2, ()), (3, ()), (2, ("--fsdp",))])
def test_processes_share_a_batch(
    folder: Path, alone: list[dict[str, float]], processes: int, more: tuple[str, ...]
) -> None:
    output = f"run{processes}{''.join(more)}"
    train(folder, processes, output, *more)
    check(folder, output, alone)


@pytest.mark.parametrize(("before", "after"), [((2,), (3,)), ((1,), (2, "--fsdp"))])
def test_a_killed_run_goes_on(
    folder: Path, alone: list[dict[str, float]], before: tuple[int, ...], after: tuple[int, str]
) -> None:
    output = f"killed{before[0]}"
    last = folder / output / "checkpoints" / "last.pt"
    made = command(before[0], output, "--checkpoint-every", "3")
    running = subprocess.Popen(
        made, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    state = None
    while state is None or state["epoch"] < 1 or not state["batch"]:
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
        state = torch.load(last, weights_only=True) if last.exists() else None
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    state = torch.load(last, weights_only=True)  # whole, whenever it was killed
    assert 1 <= state["epoch"] < EPOCHS
    processes, *more = after
    train(folder, processes, output, "--resume", str(last), *map(str, more))
    check(folder, output, alone)
