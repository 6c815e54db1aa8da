"""The commands as people run them: what they print, where, and their exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from torchtwin import cli

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits.keras"


def run(*arguments: object) -> int:
    return cli.main([str(a) for a in arguments])


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    folder = tmp_path / "twin"
    assert run("convert", EXAMPLE, "-o", folder, "--no-verify") == 0
    return folder


def test_convert_tells_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("convert", EXAMPLE, "-o", tmp_path / "twin", "--no-verify") == 0
    told = capsys.readouterr().out
    assert "hidden     Dense               nn.Linear → F.relu" in told
    assert "16,170 in Keras, 16,170 in PyTorch + 1 constant (num_batches_tracked)" in told
    assert "model.safetensors" in told
    assert "--no-verify" in told


def test_convert_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("convert", EXAMPLE, "-o", tmp_path / "twin", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verification"]["verdict"] == "agrees"
    assert told["parameters"]["keras"] == told["parameters"]["pytorch"] - 1 == 16170


def test_convert_without_a_judge_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # by its module: torchtwin.verify, the attribute, is the function
    monkeypatch.setattr(sys.modules["torchtwin.verify"], "installed_judges", list)
    assert run("convert", EXAMPLE, "-o", tmp_path / "twin") == 0
    assert "no Keras is installed here" in capsys.readouterr().out


def test_default_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("convert", EXAMPLE, "--no-verify") == 0
    assert (tmp_path / "digits_torch" / "model.py").exists()
    assert capsys.readouterr().err == ""


def test_an_earlier_twin_is_kept(twin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (twin / "model.py").write_text("mine")
    assert run("convert", EXAMPLE, "-o", twin, "--no-verify") == 1
    assert "--force" in capsys.readouterr().err
    assert (twin / "model.py").read_text() == "mine"
    assert run("convert", EXAMPLE, "-o", twin, "--no-verify", "--force") == 0
    assert "class Digits" in (twin / "model.py").read_text()


def test_verify(twin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", EXAMPLE, twin) == 0
    assert "agrees with" in capsys.readouterr().out
    program = (twin / "model.py").read_text()
    (twin / "model.py").write_text(program.replace("F.relu(self.hidden(x))", "self.hidden(x)"))
    assert run("verify", EXAMPLE, twin, "--json") == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "differs"


def test_inspect(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", EXAMPLE) == 0
    told = capsys.readouterr().out
    assert "Keras archive, Keras 3.15.1" in told
    assert "optimizer Adam(learning_rate=0.001); loss sparse_categorical_crossentropy" in told
    assert run("inspect", EXAMPLE, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["layers"][1] == {
        "name": "stem", "class_name": "Conv2D", "shape": [None, 14, 14, 16], "parameters": 144,
        "depth": 0,
    }  # fmt: skip
    assert told["refusals"] == []


def test_inspect_lists_all_that_is_not_translated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 4]}},
        {"class_name": "Mystery", "config": {"name": "first"}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 2}},
        {"class_name": "Riddle", "config": {"name": "second"}},
    ]
    model = {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}
    (tmp_path / "m.json").write_text(json.dumps(model | {"keras_version": "3.0.0"}))
    assert run("inspect", tmp_path / "m.json", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [layer["name"] for layer in told["layers"]] == ["x", "first", "dense", "second"]
    assert [r["problem"].split()[0] for r in told["refusals"]] == ["Mystery", "Riddle"]


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_what_is_no_model_is_told(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pickle = tmp_path / "model.h5"
    pickle.write_bytes(b"\x80\x04\x95pickle")
    assert run(command, pickle) == 1
    assert "Python pickle" in capsys.readouterr().err
    assert run(command, pickle, "--json") == 1
    assert json.loads(capsys.readouterr().out)["error"] == "UnreadableModel"


def test_names_from_files_do_not_reach_the_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 4]}},
        {"class_name": "Bell\x1b]0;gone\x07", "config": {"name": "a\x1b[31m[red]b"}},
    ]
    model = {"class_name": "Sequential", "config": {"name": "m\x1b[2J", "layers": layers}}
    (tmp_path / "m.json").write_text(json.dumps(model | {"keras_version": "3.0.0"}))
    assert run("inspect", tmp_path / "m.json") == 0
    assert run("convert", tmp_path / "m.json", "-o", tmp_path / "out") == 1
    told = "".join(capsys.readouterr())
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[red]b" in told


def test_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("layers") == 0
    assert "Dense" in capsys.readouterr().out
    assert run("layers", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    told = {(row["module"], row["name"]): row for row in rows}
    assert told["layers", "Dense"]["becomes"] == "nn.Linear"
    assert told["layers", "InputLayer"]["supported"]
    assert "Flax" in told["layers", "FlaxLayer"]["refused"]["reason"]
    assert told["ops", "abs"]["supported"]


def test_wrong_usage_is_2() -> None:
    for arguments in ([], ["convert"], ["convert", "x", "--layout", "odd"], ["dance"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 2


def test_a_bug_is_told_without_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("shape")

    monkeypatch.setattr("torchtwin.inspection.inspect_model", broken)
    assert run("inspect", EXAMPLE) == 1
    told = capsys.readouterr().err
    assert told.startswith("internal error: KeyError")
    assert "Traceback" not in told
    monkeypatch.setenv("TORCHTWIN_DEBUG", "1")
    with pytest.raises(KeyError):
        run("inspect", EXAMPLE)


def test_an_unwritable_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run("convert", EXAMPLE, "-o", tmp_path / "file" / "twin", "--no-verify") == 1
    assert "cannot write" in capsys.readouterr().err


def test_module_and_script_are_the_same() -> None:
    for command in ([sys.executable, "-m", "torchtwin"], [shutil.which("torchtwin")]):
        if command[0] is not None:
            done = subprocess.run(
                [*command, "--version"], capture_output=True, text=True, check=True,
                env=dict(os.environ),
            )  # fmt: skip
            assert done.stdout == "torchtwin 0.1.0\n"
