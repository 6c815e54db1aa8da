"""Times the twin beside PyTorch written by hand, and Keras on each backend, as ratios.

    python benchmarks/speed.py [--models mlp cnn ...] [--train] [--quick] [--only twin]

Twin and hand-written program share a process, each Keras backend has one of its own, all on one
thread. They take turns in short rounds of the same length, and the processor time of each is
taken, so that what else the machine does counts little and meets all alike. A figure is the median,
over the rounds, of a side's time divided by that of the program written by hand
(torch_models.py). Keras is timed as people call it: `predict_on_batch`, `train_on_batch`. The
budget is 1.05 for the twin; exit code 1 when it is missed.

In inference there are also `inference`, what `Twin.optimize` gives, `frozen`, the same compiled
with its weights as constants, and `best_eager` and `best_frozen`, the program by hand with the
same done to it: channels last in memory, BatchNormalization folded. The better of `inference` and
`frozen` may take 1.05 of the time of the better of those two. `onnxruntime`, where it is installed
with onnx and onnxscript, runs what torch.onnx exports of the twin for inference.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MOST = 1.05
BATCHES = {
    "mlp": (1, 32), "cnn": (1, 32), "resnet50": (1, 8), "efficientnet_b0": (8,), "unet": (8,),
    "transformer": (1, 32), "lstm": (1, 32), "masked_lstm": (32,), "gru": (32,),
}  # fmt: skip
NATIVE = ("hand", "twin", "inference", "frozen", "best_eager", "best_frozen")
TRAINED = ("hand", "twin", "tensorflow", "jax", "torch")
SIDES = (*NATIVE, "onnxruntime", "tensorflow", "jax", "torch")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}  # fmt: skip


def given(shape: list[int | None], dtype: str, batch: int) -> Any:
    """Return an input in Keras's layout: numbers, or words of which the last are padding."""
    import numpy as np

    rng = np.random.default_rng(0)
    size = [batch, *shape[1:]]
    if not dtype.startswith("int"):
        return rng.normal(size=size).astype("float32")
    words = rng.integers(1, 5000, size).astype("int32")
    lengths = rng.integers(size[1] // 2, size[1] + 1, batch)
    words[np.arange(size[1]) >= lengths[:, None]] = 0
    return words


def make(name: str, folder: Path) -> None:
    """Save the Keras model and its twin (a process of its own runs this)."""
    import keras_models
    import torch_models
    import torchtwin

    model = keras_models.MODELS[name]()
    trained = sum(w.value.size for w in model.trainable_weights)
    assert trained == torch_models.parameters(name), (trained, torch_models.parameters(name))
    model.save(folder / "model.keras")
    twin = torchtwin.convert(folder / "model.keras")
    twin.save(folder / "twin")
    twin.optimize().save(folder / "inference")
    [x] = model.inputs
    (folder / "input.json").write_text(json.dumps([list(x.shape), x.dtype]))


def work(worker: str, name: str, folder: Path, batch: int, train: bool) -> None:
    """Answer each line of stdin, a side and seconds, with the processor time of one step."""
    x = given(*json.loads((folder / "input.json").read_text()), batch)
    from sides import keras_step, native, onnx_step, torch_step

    steps: dict[str, Callable[[], Any]] = {}
    if worker == "onnxruntime":
        steps = {worker: onnx_step(folder, x)}
    elif worker != "native":
        steps = {worker: keras_step(folder, x, train=train)}
    else:
        sides = [s for s in NATIVE if not train or s in TRAINED]
        steps = {s: torch_step(native(s, name, folder), x, train=train) for s in sides}
    ready = [side for side, step in steps.items() if _runs(step)]
    print(*ready, flush=True)
    for line in sys.stdin:
        side, seconds = line.split()
        step, started, count = steps[side], time.process_time(), 0
        while (spent := time.process_time() - started) < float(seconds) or not count:
            step()
            count += 1
        print(spent / count, flush=True)


def _runs(step: Callable[[], Any]) -> bool:
    """Warm a side up; tell whether it runs: not everything compiles."""
    try:
        for _ in range(3):
            step()
    except Exception as error:
        print(error, file=sys.stderr)
        return False
    return True


def started(side: str, *arguments: object) -> subprocess.Popen[str]:
    backend = side if side not in ("native", "make") else "jax"
    command = [sys.executable, str(HERE / "speed.py"), "--work", side, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env={**os.environ, **ONE_THREAD, "KERAS_BACKEND": backend},
    )  # fmt: skip


def asked(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    if line:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def compared(name: str, folder: Path, batch: int, options: argparse.Namespace) -> dict[str, float]:
    """Return, for each side, the median of its time over that of the program by hand."""
    names = dict.fromkeys("native" if side in NATIVE else side for side in options.sides)
    workers = {n: started(n, name, folder, batch, int(options.train)) for n in names}
    try:
        ready = {side for worker in workers.values() for side in asked(worker, "").split()}
        serving = {side: "native" if side in NATIVE else side for side in options.sides}
        alive = [side for side in options.sides if side in ready]
        times: dict[str, list[float]] = {side: [] for side in alive}
        for k in range(options.rounds):
            for side in alive if k % 2 else alive[::-1]:
                took = asked(workers[serving[side]], f"{side} {options.seconds}")
                times[side].append(float(took))
        return {
            side: statistics.median(a / b for a, b in zip(times[side], times["hand"], strict=True))
            for side in alive
        }
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time twins beside programs written by hand.")
    parser.add_argument("--models", nargs="+", choices=BATCHES, default=list(BATCHES))
    parser.add_argument("--only", nargs="+", choices=SIDES[1:], default=list(SIDES[1:]))
    parser.add_argument("--train", action="store_true", help="time training steps")
    parser.add_argument("--quick", action="store_true", help="a few short rounds")
    options = parser.parse_args()
    if options.train:
        options.only = [side for side in options.only if side in TRAINED]
    options.sides = ["hand", *options.only]
    options.rounds, options.seconds = (5, 0.1) if options.quick else (15, 0.3)
    return options


def main() -> int:
    options, missed = parsed(), False
    print("| model | batch |", *(f"{side} |" for side in options.only))
    print("|---|---:|" + "---:|" * len(options.only))
    for name in options.models:
        with tempfile.TemporaryDirectory() as scratch:
            if started("make", name, scratch).wait():
                print(f"| {name} | | could not be made |", flush=True)
                missed = True
                continue
            for batch in BATCHES[name]:
                ratios = compared(name, Path(scratch), batch, options)
                cells = (f"{ratios[s]:.2f} |" if s in ratios else "– |" for s in options.only)
                print(f"| {name} | {batch} |", *cells, flush=True)
                missed |= _missed(ratios, options.only)
    return int(missed)


def _missed(ratios: dict[str, float], sides: list[str]) -> bool:
    """Tell whether the twin is slower than it may be, or that for inference than the best."""
    if "twin" in sides and not ratios.get("twin", 9) <= MOST:
        return True
    mine, theirs = (
        [ratios[side] for side in pair if side in ratios]
        for pair in (("inference", "frozen"), ("best_eager", "best_frozen"))
    )
    return bool(mine and theirs) and min(mine) > MOST * min(theirs)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        side, model_name, place, *rest = sys.argv[2:]
        if side == "make":
            make(model_name, Path(place))
        else:
            work(side, model_name, Path(place), int(rest[0]), rest[1] == "1")
        sys.exit(0)
    sys.exit(main())
