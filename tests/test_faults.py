"""What goes wrong while a twin is written: the older one stays whole, or the new one is."""

from __future__ import annotations

import errno
import importlib.util
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import torchtwin
from kills import files_of
from torchtwin.emit import folder as folders
from torchtwin.emit import swap
from torchtwin.errors import OutputError, TorchTwinError, UnreadableModel
from torchtwin.twin import Twin

TESTS = Path(__file__).parent
SEEDS = TESTS / "fuzz" / "seeds"


@pytest.fixture(scope="module")
def twins() -> list[Twin]:
    return [torchtwin.convert(SEEDS / name) for name in ("plain.keras", "image.keras")]


def test_kills_leave_one_of_the_two(tmp_path: Path) -> None:
    command = [sys.executable, str(TESTS / "kills.py"), "--count", "10"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("10 conversions")


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


FAULTS: dict[str, tuple[str, Callable[..., None], type[BaseException]]] = {
    "full": ("write_safetensors", full, OutputError),
    "full at the end": ("swap.put", full, OutputError),
    "interrupted": ("write_safetensors", interrupted, KeyboardInterrupt),
    "interrupted at the end": ("swap.put", interrupted, KeyboardInterrupt),
    "read-only": ("tempfile.mkdtemp", full, OutputError),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_leaves_the_older_twin(
    kind: str, twins: list[Twin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, fault, error = FAULTS[kind]
    target = tmp_path / "twin"
    before = files_of(twins[0].save(target))
    home, _, attribute = f"folders.{name}".rpartition(".")
    monkeypatch.setattr(eval(home), attribute, fault)
    with pytest.raises(error):
        twins[1].save(target)
    assert files_of(target) == before
    assert list(tmp_path.iterdir()) == [target]


def test_where_folders_cannot_be_exchanged(
    twins: list[Twin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = files_of(twins[1].save(tmp_path / "other"))
    monkeypatch.setattr(swap, "_exchanged", lambda *_: False)
    target = twins[0].save(tmp_path / "twin")
    (target / "notes").mkdir()
    (target / "notes" / "a.txt").write_text("mine")
    twins[1].save(target)
    assert (target / "notes" / "a.txt").read_text() == "mine"
    shutil.rmtree(target / "notes")
    assert files_of(target) == wanted
    assert len(list(tmp_path.iterdir())) == 2


SAVES = """
import sys
import torchtwin

twin = torchtwin.convert(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    twin.save(sys.argv[2])
"""


def test_two_conversions_into_one_folder(twins: list[Twin], tmp_path: Path) -> None:
    """Whoever looks, at any moment, sees the whole of one of the two."""
    wholes = [files_of(twin.save(tmp_path / f"alone{k}")) for k, twin in enumerate(twins)]
    (tmp_path / "both").mkdir()
    target = twins[0].save(tmp_path / "both" / "twin")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SAVES, str(SEEDS / name), str(target)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("plain.keras", "image.keras")
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
    while any(process.poll() is None for process in running):
        held = os.open(target, os.O_RDONLY)  # the folder that is there now, wherever it goes
        try:
            names = sorted(os.listdir(held))
            there = os.path.samestat(os.fstat(held), target.stat())  # and not one that goes
        finally:
            os.close(held)
        assert not there or names in [sorted(whole) for whole in wholes]
    assert [process.returncode for process in running] == [0, 0]
    assert files_of(target) in wholes
    assert os.listdir(target.parent) == ["twin"]


def test_what_killed_runs_left_is_removed(twins: list[Twin], tmp_path: Path) -> None:
    target = tmp_path / "twin"
    process = multiprocessing.get_context("spawn").Process()
    process.start()
    process.join()
    dead = tmp_path / f"{folders._mark(target)}{process.pid}.abc"
    alive = tmp_path / f"{folders._mark(target)}{os.getpid()}.abc"
    for left in (dead, alive):
        left.mkdir()
    twins[0].save(target)
    assert sorted(tmp_path.iterdir()) == sorted([target, alive])


def test_a_folder_by_another_name(twins: list[Twin], tmp_path: Path) -> None:
    """A link to a folder stays one, and `.` is the folder that it is."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    twins[0].save(link)
    assert link.is_symlink()
    assert files_of(real) == files_of(twins[0].save(real / ".." / "y"))


def test_the_current_folder_stays_the_one_that_it_is(
    twins: list[Twin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell in it would be left in a folder that was removed, so nothing is exchanged."""
    whole = files_of(twins[0].save(tmp_path / "alone"))
    inside = tmp_path / "here" / "below"
    inside.mkdir(parents=True)
    (inside / "notes").write_text("mine")
    monkeypatch.chdir(inside)
    number = inside.stat().st_ino
    twins[0].save(".")
    assert inside.stat().st_ino == number
    assert files_of(inside) == {**whole, "notes": b"mine"}
    with pytest.raises(OutputError, match="cannot be exchanged"):
        twins[1].save(".", force=True)
    assert files_of(inside) == {**whole, "notes": b"mine"}
    monkeypatch.setattr(Path, "rename", lambda *_: full())
    with pytest.raises(OutputError, match="No space left"):
        twins[1].save("..")
    assert [path.name for path in inside.parent.iterdir()] == ["below"]


def test_a_model_that_changes_while_it_is_read(twins: list[Twin], tmp_path: Path) -> None:
    model, target = tmp_path / "model.keras", tmp_path / "twin"
    shutil.copy(SEEDS / "image.keras", model)
    before = files_of(twins[0].save(target))
    twin = torchtwin.convert(model)

    def change(*_: int) -> None:
        with model.open("r+b") as file:
            file.seek(-9000, os.SEEK_END)
            file.write(b"changed")

    with pytest.raises(UnreadableModel, match="changed while it was read"):
        twin.save(target, progress=change)
    assert files_of(target) == before


def loaded(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program.load()


def renamed(data: bytes) -> bytes:
    return data.replace(b'"dense.bias"', b'"dense.bizz"')


def reshaped(data: bytes) -> bytes:
    return data.replace(b'"shape": [3, 4]', b'"shape": [4, 3]')


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a bit": (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "is damaged"),
    "cut off": (lambda data: data[:-8], "is damaged"),
    "a name": (renamed, "is damaged"),
    "a shape": (reshaped, "is damaged"),
    "a name, without the hash": (lambda d: renamed(d.replace(b"sha256", b"author")), "dense.bizz"),
    "a shape, without": (lambda d: reshaped(d.replace(b"sha256", b"author")), "size mismatch"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_load_says_what_is_wrong(kind: str, twins: list[Twin], tmp_path: Path) -> None:
    change, said = DAMAGE[kind]
    file = twins[0].save(tmp_path / "twin") / "model.safetensors"
    assert loaded(file.parent) is not None
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises((ValueError, RuntimeError), match=said):
        loaded(file.parent)


def test_a_compile_config_of_nonsense_costs_the_training_alone(tmp_path: Path) -> None:
    config = json.loads((SEEDS / "plain.json").read_text())
    for nonsense in (
        {"metrics": 3},
        {"loss": [7]},
        {"optimizer": {"class_name": 1}, "loss": "mse"},
    ):
        config["compile_config"] = {"optimizer": "adam", "loss": "mse", **nonsense}
        (tmp_path / "m.json").write_text(json.dumps(config))
        twin = torchtwin.convert(tmp_path / "m.json", weights=SEEDS / "plain.weights.h5")
        assert isinstance(twin.untrained, TorchTwinError)
