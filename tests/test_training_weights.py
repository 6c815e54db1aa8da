"""Callbacks that exchange weights: moving averages beside Keras's fit, and in several processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch import nn

from torchtwin.training.parts.fit import call
from torchtwin.training.parts.optimizer_base import add_state
from torchtwin.training.parts.optimizer_steps import update_averages, use_averages
from torchtwin.training.parts.saving import SwapEMAWeights

RATE, MOMENTUM, EPOCHS = 0.125, 0.875, 3  # in float32, too: fit makes that of data and rates


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(-9, 9, (24, 3)) / 8, rng.integers(-9, 9, (24, 2)) / 8


def keras_figures(swap_on_epoch: bool) -> list[list[np.ndarray]]:
    """Return kernel, bias and validation loss of every epoch's end, and the last weights."""
    x, y = data()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype="float64")])
    model.set_weights([np.ones((3, 2)), np.zeros(2)])
    optimizer = keras.optimizers.SGD(RATE, use_ema=True, ema_momentum=MOMENTUM)
    model.compile(optimizer, keras.losses.MeanSquaredError(dtype="float64"))
    seen: list[list[Any]] = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda _, logs: seen.append([*model.get_weights(), logs["val_loss"]])
    )
    model.fit(
        x, y, batch_size=8, epochs=EPOCHS, shuffle=False, verbose=0, validation_data=(x, y),
        callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch), watch],
    )  # fmt: skip
    return [*seen, model.get_weights()]


def twin_figures(swap_on_epoch: bool, broken: bool) -> list[list[np.ndarray]]:
    """Return the same of a loop with our callback; `broken` makes a new one in each epoch."""
    x, y = map(torch.from_numpy, data())
    module = nn.Linear(3, 2).double()
    with torch.no_grad():
        module.weight.fill_(1)
        module.bias.fill_(0)
    optimizer = torch.optim.SGD(module.parameters(), lr=RATE)
    add_state(optimizer, "average")
    ours = SwapEMAWeights(swap_on_epoch)
    run = SimpleNamespace(module=module, optimizer=optimizer, callbacks=[ours])
    call(run, "on_train_begin")
    seen = []

    def weights() -> list[np.ndarray]:
        return [module.weight.detach().numpy().T.copy(), module.bias.detach().numpy().copy()]

    for epoch in range(EPOCHS):
        call(run, "on_epoch_begin", epoch)
        for k in range(0, 24, 8):
            optimizer.zero_grad()
            nn.functional.mse_loss(module(x[k : k + 8]), y[k : k + 8]).backward()
            optimizer.step()
            update_averages(optimizer, MOMENTUM, first=epoch == k == 0)
        call(run, "on_test_begin")
        loss = nn.functional.mse_loss(module(x), y).item()
        call(run, "on_test_end", {})
        call(run, "on_epoch_end", epoch, {})
        seen.append([*weights(), np.float64(loss)])
        if broken:
            run.callbacks = [SwapEMAWeights(swap_on_epoch)]
            run.callbacks[0].load_state_dict(ours.state_dict())
            ours = run.callbacks[0]
    use_averages(optimizer)  # as Keras does before on_train_end
    call(run, "on_train_end", {})
    return [*seen, weights()]


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_averages_are_swapped_when_keras_swaps_them(swap_on_epoch: bool, broken: bool) -> None:
    wanted, got = keras_figures(swap_on_epoch), twin_figures(swap_on_epoch, broken)
    assert len(got) == len(wanted)
    for mine, theirs in zip(got, wanted, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert np.shape(a) == np.shape(b)
            # Keras's figure of the loss is a float32
            np.testing.assert_allclose(a, b, rtol=1e-9 if np.ndim(a) else 1e-6)


def test_averages_must_be_there() -> None:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="use_ema"):
        SwapEMAWeights().on_train_begin(SimpleNamespace(optimizer=optimizer))


PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
import torch, torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torchtwin.training.parts.callbacks import EarlyStopping
from torchtwin.training.parts.checkpoint import copy_of_weights, save_weights
from torchtwin.training.parts.optimizer_base import add_state
from torchtwin.training.parts.processes import end_processes
from torchtwin.training.parts.saving import ModelCheckpoint, SwapEMAWeights

dist.init_process_group("gloo")
rank = dist.get_rank()
module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
if sys.argv[2] == "fsdp":
    fully_shard(module)
optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
run = SimpleNamespace(module=module, optimizer=optimizer, output=Path(sys.argv[1]), stop=False,
                      is_main=rank == 0, step=0, epoch=0)
run.save = lambda path: save_weights(run, path)


def fill(value):
    with torch.no_grad():
        for x in [*module.parameters(), module[1].running_mean]:
            x.fill_(value)


def same(value):
    whole = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in module.parameters()]
    assert all((x == value).all() for x in [*whole, module[1].running_mean]), whole


best = EarlyStopping("loss", patience=1, restore_best_weights=True, verbose=1)
for epoch, loss in enumerate([3.0, 1.0, 2.0]):
    fill(epoch)
    best.on_epoch_end(run, epoch, {"loss": loss})
assert run.stop
best.on_train_end(run, {})
same(1)

# Within an epoch the figures of the processes differ: the first one's decide.
saver = ModelCheckpoint("{batch}.safetensors", "accuracy", save_best_only=True, mode="max",
                        save_freq=1)
for batch, accuracy in enumerate([[0.1, 0.9], [0.2, 0.8], [0.1, 0.95], [0.3, 0.1]]):
    saver.on_batch_end(run, batch, {"accuracy": accuracy[rank]})

add_state(optimizer, "average")
for state in optimizer.state.values():
    state["average"].fill_(7)
swap = SwapEMAWeights()
swap.on_train_begin(run)
swap.on_test_begin(run)
with torch.no_grad():
    module[1].running_mean.fill_(7)
same(7)
swap.on_test_end(run, {})
same(1)
end_processes()
"""


@pytest.mark.parametrize("kind", ["whole", "fsdp"])
def test_two_processes(kind: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), kind]
    processes = [
        subprocess.Popen(
            command, env={**os.environ, **place, "RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    results = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], results
    assert "best epoch, 2" in results[0][0]
    assert results[1][0] == ""
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["1.safetensors", "2.safetensors", "4.safetensors"]
