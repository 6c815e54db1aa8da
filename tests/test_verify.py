"""What a verification takes, whom it trusts as judge, and what it calls a difference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl
from torch import nn

import torchtwin
from cases import randomize
from torchtwin.program import Argument, Class
from torchtwin.readers import savedmodel, tfjs
from torchtwin.source import Source
from torchtwin.verify import installed_judges, reference, verification
from torchtwin.verify.compare import compare_outputs
from torchtwin.verify.inputs import make_inputs
from torchtwin.verify.numbers import gap
from torchtwin.verify.reference import Original, Reference, Refusal, _linked, untrusted
from torchtwin.verify.subject import Subject


@pytest.fixture
def mlp() -> keras.Model:
    layers = [keras.Input((4,)), kl.Dense(8, activation="relu"), kl.Dropout(0.3), kl.Dense(3)]
    model = keras.Sequential(layers, name="mlp")
    randomize(model)
    return model


def test_folder_against_a_file_with_the_wrong_suffix(mlp: keras.Model, tmp_path: Path) -> None:
    mlp.save(tmp_path / "model.h5")
    path = (tmp_path / "model.h5").rename(tmp_path / "model.keras")
    folder = torchtwin.convert(path).save(tmp_path / "twin")
    report = torchtwin.verify(path, folder, judge="tensorflow")
    assert report.ok, report
    assert report.judge == f"Keras {keras.__version__} (tensorflow)"
    assert report.weights == 4


def test_live_model(mlp: keras.Model) -> None:
    report = torchtwin.verify(mlp, torchtwin.convert(mlp), judge="jax")
    assert report.ok, report
    assert report.judge == f"Keras {keras.__version__} (jax)"


def test_outputs_too_small_to_tell(tmp_path: Path) -> None:
    """A saturated sigmoid hides what comes before it: then the layers are compared."""
    x = keras.Input((4,))
    y = kl.Dense(4, activation="tanh", name="first")(x)
    model = keras.Model(x, kl.Dense(1, activation="sigmoid", name="last")(y), name="deaf")
    model.get_layer("last").bias.assign([-100.0])
    model.save(tmp_path / "model.keras")
    folder = torchtwin.convert(tmp_path / "model.keras").save(tmp_path / "twin")
    program = folder / "model.py"
    program.write_text(program.read_text().replace("torch.tanh(self.first(x))", "self.first(x)"))
    report = torchtwin.verify(tmp_path / "model.keras", folder)
    assert report.verdict == "differs"
    assert report.first is not None
    assert report.first.layer == "first"


def test_rebuilt_where_no_keras_opens_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = keras.Input((5, 4))
    inner = keras.Sequential([keras.Input((5, 4)), kl.Dense(3), kl.BatchNormalization()])
    model = keras.Model(x, kl.Bidirectional(kl.LSTM(3))(inner(x)), name="odd")
    randomize(model)
    model.save(tmp_path / "model.keras")

    def run_judge(judge: str, *args: Any, **kwargs: Any) -> Reference | Refusal:
        if kwargs.get("rebuilt") is None:
            return Refusal(judge, "it does not know this format")
        return reference.run_judge(judge, *args, **kwargs)

    monkeypatch.setattr(verification, "run_judge", run_judge)
    report = torchtwin.verify(tmp_path / "model.keras", torchtwin.convert(tmp_path / "model.keras"))
    assert report.ok, report
    assert "rebuilt in Keras" in str(report)


def test_no_judge_is_no_verification(
    mlp: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "installed_judges", list)
    mlp.save(tmp_path / "model.keras")
    report = torchtwin.verify(tmp_path / "model.keras", torchtwin.convert(tmp_path / "model.keras"))
    assert not report.ok
    assert report.verdict == "not verified"
    assert 'pip install "torchtwin[verify]"' in str(report)
    with pytest.raises(torchtwin.TorchTwinError, match="not verified"):
        report.check()


def test_folder_without_a_twin(tmp_path: Path) -> None:
    with pytest.raises(torchtwin.UnreadableModel, match="there is no model"):
        torchtwin.verify("model.keras", tmp_path)


def test_unknown_judge(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="judge must be one of"):
        torchtwin.verify("model.keras", tmp_path, judge="torch")


def test_finding_judges_imports_nothing() -> None:
    code = (
        "import sys; from torchtwin.verify import installed_judges; installed_judges();"
        "sys.exit(any(m in sys.modules for m in ('torch', 'keras', 'tensorflow', 'jax', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert installed_judges()[0] == "tensorflow"


def test_code_in_a_file_is_not_run() -> None:
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda"}]}}
    for judge in installed_judges():
        assert "Lambda" in untrusted(judge, Source(config, "3.5.0", "Keras 3 archive"))


def test_keras_3_does_not_judge_an_old_hard_sigmoid() -> None:
    config = {"class_name": "LSTM", "config": {"recurrent_activation": "hard_sigmoid"}}
    old, new = (Source(config, version, "HDF5") for version in ("2.2.4", "3.5.0"))
    assert untrusted("jax", old)
    assert not untrusted("tf_keras", old)
    assert not untrusted("jax", new)


def test_model_loaded_with_another_rank_is_not_believed() -> None:
    loaded = [{"name": "x", "shape": [None, None, 4], "dtype": "float32"}]
    text = reference._misread(loaded, [(None, 4)])
    assert text == "it loads 'x' as (None, None, 4), the file says (None, 4)"
    assert reference._misread(loaded, [(None, None, 4)]) == ""


@pytest.mark.parametrize(
    ("mine", "wanted", "text"),
    [
        ([[1.0]] * 8, [[1.0] * 8] * 8, "shape (8, 1) where Keras has (8, 8)"),
        ([1.0, np.nan], [1.0, 2.0], "NaN in 1 of 2 places where Keras has numbers"),
        ([1.0, 2.0], [1.0, np.nan], "numbers where Keras has NaN"),
        ([1.0, np.inf], [1.0, 2.0], "infinities in other places"),
        ([1.0, -np.inf], [1.0, np.inf], "infinities in other places"),
        ([1.0, np.nan, np.inf], [1.0, np.nan, np.inf], "0.0e+00"),
        ([100.0, 0.5], [100.0, 0.0], "5.0e-03"),
        ([True, False], [True, True], "1.0e+00"),
        ([], [], "0.0e+00"),
    ],
)
def test_gap(mine: list[float], wanted: list[float], text: str) -> None:
    assert str(gap(np.array(mine), np.array(wanted))) == text


class Inexact(nn.Module):
    """Returns its input, off by `error` in float32 alone."""

    def __init__(self, error: float) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.error if x.dtype == torch.float32 else x


@pytest.mark.parametrize(("keras_error", "accepted"), [(5e-5, True), (1e-6, False)])
def test_rounding_is_told_from_error(keras_error: float, accepted: bool) -> None:
    """float32 may differ where float64 agrees, but not if Keras's own float32 is exact."""
    x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
    argument = Argument("x", "x", (None, 4), "float32")
    program = Class("Model", "", (), (argument,), (), (argument,))
    outputs = {"float32": [[x - np.float32(keras_error)]], "float64": [[x.astype("float64")]]}
    dtypes = {"float32": [["float32"]], "float64": [["float64"]]}
    judged = Reference("Keras", [[x]], outputs, dtypes)
    (report,), problems = compare_outputs(Subject("", Inexact(2e-4)), program, judged)
    assert problems == []
    assert bool(report.rounding) is accepted
    assert bool(report.problem) is not accepted


def test_inputs_reach_tables_and_masks() -> None:
    words = keras.Input((None,), name="words")
    x = kl.Embedding(5, 3, mask_zero=True)(kl.Dropout(0.1)(words))
    twin = torchtwin.convert(keras.Model(words, kl.LSTM(2)(x)))
    first, second = make_inputs(twin.graph, twin.program, seed=0)
    assert first[0].shape[0] != second[0].shape[0]
    assert first[0].shape[1] != second[0].shape[1]
    for (given,) in (first, second):
        assert set(np.unique(given)) <= {0, 1, 2, 3, 4}
        assert (given == 0).any()
    assert make_inputs(twin.graph, twin.program, seed=0)[0][0].tolist() == first[0].tolist()


def test_what_a_judge_gets_of_tensorflows_files(tmp_path: Path) -> None:
    """A SavedModel's functions are not loaded: Keras gets its config and its checkpoint."""
    home = tmp_path / "saved" / "variables"
    home.mkdir(parents=True)
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (home / name).write_bytes(name.encode())
    config = {"class_name": "Sequential", "config": {"layers": []}}
    source = Source(config, "2.9.0", savedmodel.FORMAT)
    (tmp_path / "judge").mkdir()
    request = _linked(Original(source, tmp_path / "saved", None, ()), tmp_path / "judge")
    assert request == {"model": "model.json", "weights": "weights"}
    assert json.loads((tmp_path / "judge" / "model.json").read_text()) == config
    assert (tmp_path / "judge" / "weights.index").read_bytes() == b"variables.index"
    assert (tmp_path / "judge" / "weights.data-00000-of-00001").exists()
    assert "TensorFlow.js" in untrusted("tf_keras", Source(config, "2", tfjs.FORMAT))
