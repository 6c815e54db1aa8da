"""What is written: it stands alone, keeps every bit, and appears whole or not at all."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load

import torchtwin
from torchtwin.emit.weights import CODES, Tensor, write_safetensors

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits.keras"
JUDGES = ("keras", "tensorflow", "tf_keras", "jax", "h5py")


def alone(code: str, *blocked: str) -> str:
    """Run code in a process where some modules cannot be imported; return what it prints."""
    block = f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", block + code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_convert_imports_no_keras_and_the_program_no_torchtwin(tmp_path: Path) -> None:
    convert = (
        f"import torchtwin; torchtwin.convert({str(EXAMPLE)!r}).save({str(tmp_path / 'twin')!r})"
    )
    alone(convert, *JUDGES)
    run = (
        f"sys.path.insert(0, {str(tmp_path / 'twin')!r})\n"
        "import json, torch, model\n"
        "module = model.load()\n"
        "torch.manual_seed(0)\n"
        "print(module.training, json.dumps(module(torch.randn(2, 1, 28, 28)).tolist()))"
    )
    training, _, numbers = alone(run, "torchtwin", "numpy.testing", *JUDGES).partition(" ")
    module = torchtwin.convert(EXAMPLE).module
    torch.manual_seed(0)
    wanted = module(torch.randn(2, 1, 28, 28))
    assert training == "False"
    torch.testing.assert_close(torch.tensor(json.loads(numbers)), wanted)


@pytest.mark.parametrize("dtype", CODES)
def test_every_dtype_is_kept_bit_for_bit(dtype: str) -> None:
    stored = "uint16" if dtype == "bfloat16" else dtype
    bits = np.random.default_rng(0).integers(0, 256, 6 * np.dtype(stored).itemsize, dtype="uint8")
    array = (bits % 2 if dtype == "bool" else bits).view(stored).reshape(2, 3)
    file = io.BytesIO()
    write_safetensors(file, [Tensor("weight", (3, 2), dtype, lambda: array.T)])
    loaded = load(file.getvalue())["weight"]
    assert tuple(loaded.shape) == (3, 2)
    assert str(loaded.dtype) == f"torch.{dtype}"
    kept = loaded.contiguous().view(torch.uint8).numpy().tobytes()
    assert kept == np.ascontiguousarray(array.T).tobytes()


def test_a_failure_leaves_the_older_twin_whole(tmp_path: Path) -> None:
    twin = torchtwin.convert(EXAMPLE)
    folder = twin.save(tmp_path / "twin")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    class Failing:
        def read(self) -> np.ndarray:
            raise OSError(28, "No space left on device")

        def __getattr__(self, name: str) -> object:
            return getattr(twin.parameters[-1], name)

    broken = dataclasses.replace(twin, parameters=(*twin.parameters[:-1], Failing()))
    with pytest.raises(torchtwin.OutputError, match="No space left"):
        broken.save(folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["twin"]


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    twin = torchtwin.convert(EXAMPLE)
    folder = twin.save(tmp_path / "twin")
    (folder / "notes.txt").write_text("mine")
    twin.save(folder)
    assert (folder / "notes.txt").read_text() == "mine"
