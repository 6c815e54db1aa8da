"""What users rely on: the names of the package, its commands, and what the README says."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import torchtwin
from torchtwin.cli import main, parser

ROOT = Path(__file__).parents[1]


def test_public_names() -> None:
    assert torchtwin.__all__ == [
        "OutputError", "Report", "TorchTwinError", "Translation", "Twin", "TwinsDiffer",
        "UnreadableModel", "UnsupportedError", "convert", "load_keras_weights", "translate",
        "verify",
    ]  # fmt: skip
    assert all(getattr(torchtwin, name).__doc__ for name in torchtwin.__all__)


def test_signatures() -> None:
    assert list(inspect.signature(torchtwin.convert).parameters) == [
        "model", "layout", "weights", "custom", "optimizer", "loss", "metrics", "callbacks",
    ]  # fmt: skip
    assert list(inspect.signature(torchtwin.load_keras_weights).parameters) == [
        "module", "arrays", "inputs", "arguments",
    ]  # fmt: skip
    assert list(inspect.signature(torchtwin.Twin.save).parameters) == [
        "self", "folder", "force", "progress",
    ]  # fmt: skip


def test_every_error_is_one_of_ours() -> None:
    for name in ("OutputError", "TwinsDiffer", "UnreadableModel", "UnsupportedError"):
        assert issubclass(getattr(torchtwin, name), torchtwin.TorchTwinError)


def test_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [commands] = [a for a in parser()._actions if a.dest == "command"]
    for command in commands.choices or ():
        assert f"torchtwin {command} " in readme


def test_ci_runs_the_readme_s_second_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    setups = re.findall(r"^\$ (pip install .*)$", readme, re.MULTILINE)
    assert len(setups) == 2
    assert setups[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_readme_s_program_runs(tmp_path: Path) -> None:
    """The Python of the README, without the verification that other tests are about."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    program = program.replace("examples/", f"{ROOT}/examples/")
    program = "\n".join(line for line in program.splitlines() if "verify" not in line)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert sorted(p.name for p in (tmp_path / "digits_torch").iterdir()) == [
        "model.py", "model.safetensors", "optimizer.safetensors", "train.py",
    ]  # fmt: skip


def test_readme_shows_what_is_emitted() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    diff, own = re.findall(r"```diff\n(.*?)```", readme, re.DOTALL)
    source = torchtwin.convert(ROOT / "examples" / "digits.keras").source
    script = (ROOT / "examples" / "make_digits.py").read_text(encoding="utf-8")
    for line in diff.splitlines():
        assert line[1:] in (script if line.startswith("-") else source)
    before, after = (
        "\n".join(line[1:] for line in own.splitlines() if not line.startswith(other))
        for other in "+-"
    )
    assert after in torchtwin.translate(f"import keras\n\n\n{before}\n").source


def test_readme_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["convert", str(ROOT / "examples" / "digits.keras"), "--no-verify"]) == 0
    for line in capsys.readouterr().out.splitlines():
        if not line.startswith(("wrote in", "verified")):
            assert line.rstrip() in readme
