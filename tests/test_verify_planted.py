"""The verifier must find planted errors, and say where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import torchtwin
from planted import Planted, change, edit
from torchtwin.verify.report import AGREES, DIFFERS

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def folder(planted: Planted, tmp_path: Path) -> Path:
    return planted.twins["torch"].save(tmp_path / "twin")


@pytest.mark.parametrize("layout", ["torch", "keras"])
def test_good_twin_agrees(planted: Planted, tmp_path: Path, layout: str) -> None:
    report = planted.report(planted.twins[layout].save(tmp_path / "twin"), layout)
    assert report.verdict == AGREES, report
    assert report.check() is report
    assert len(report.outputs) == 2
    assert report.errors()["float32"] < 1e-5
    assert report.errors()["float64"] < 1e-12
    assert report.first is None
    assert str(report).startswith("agrees with Keras 3")


@pytest.mark.parametrize("layout", ["torch", "keras"])
def test_every_keras_layer_is_followed(planted: Planted, tmp_path: Path, layout: str) -> None:
    from torchtwin.verify.layers import followed
    from torchtwin.verify.subject import subject_of

    twin = planted.twins[layout]
    subject = subject_of(twin.save(tmp_path / "twin"))
    seen, left_out = followed(subject, twin.source, twin.graph, twin.program, planted.reference)
    assert left_out == set()
    ran = {o.path for o in planted.reference.layers["float64"]}
    inputs = {"picture", "words", "table", "encoder/row"}
    assert {path for path, _ in seen} == ran - inputs


def test_transposed_square_kernel(planted: Planted, folder: Path) -> None:
    def transposed(weights: Weights) -> None:
        weights["mix.weight"] = weights["mix.weight"].T

    change(folder, transposed)
    report = planted.report(folder)
    assert report.verdict == DIFFERS
    assert report.first is not None
    assert report.first.layer == "mix"
    assert len(report.changed) == 1
    assert report.changed[0].startswith("mix.weight differs in 132 of 144 numbers")
    assert "the file's mix/kernel" in report.changed[0]


def test_swapped_gates(planted: Planted, folder: Path) -> None:
    def swapped(weights: Weights) -> None:
        for name in [n for n in weights if n.startswith("memory.weight")]:
            i, f, g, o = weights[name].chunk(4)
            weights[name] = torch.cat([i, g, f, o])

    change(folder, swapped)
    report = planted.report(folder)
    assert report.first is not None
    assert (report.first.layer, report.first.class_name) == ("memory", "LSTM")
    assert len(report.changed) == 2


def test_missing_output(planted: Planted, folder: Path) -> None:
    edit(folder, "return label, score", "return label")
    report = planted.report(folder)
    assert report.problems == ("it returns 1 output, Keras 2",)
    with pytest.raises(torchtwin.TwinsDiffer, match="1 output"):
        report.check()


def test_outputs_in_another_order(planted: Planted, folder: Path) -> None:
    edit(folder, "return label, score", "return score, label")
    report = planted.report(folder)
    assert report.outputs[0].problem == "shape (2, 1) where Keras has (2, 3)"
    assert report.first is None


def test_wrong_epsilon(planted: Planted, folder: Path) -> None:
    edit(folder, "nn.BatchNorm2d(3, eps=0.001", "nn.BatchNorm2d(3, eps=0.00101")
    report = planted.report(folder)
    assert report.verdict == DIFFERS
    assert report.first is not None
    assert report.first.layer == "norm"
    assert report.first.agreeing >= 1
    assert report.changed == ()


def test_swapped_layers(planted: Planted, folder: Path) -> None:
    def swapped(weights: Weights) -> None:
        weights["mix.bias"], weights["turn.bias"] = weights["turn.bias"], weights["mix.bias"]

    change(folder, swapped)
    report = planted.report(folder)
    assert report.first is not None
    assert report.first.layer == "mix"
    assert [line.split()[0] for line in report.changed] == ["mix.bias", "turn.bias"]


def test_removed_activation(planted: Planted, folder: Path) -> None:
    edit(folder, "F.relu(self.mix(x))", "self.mix(x)")
    report = planted.report(folder)
    assert report.first is not None
    assert report.first.layer == "mix"
    assert "mix (Dense) is the first that differs" in str(report)


def test_removed_activation_inside_a_nested_model(planted: Planted, folder: Path) -> None:
    edit(folder, "torch.tanh(self.squash(x))", "self.squash(x)")
    report = planted.report(folder)
    assert report.first is not None
    assert report.first.layer == "encoder/squash"


def test_line_left_out(planted: Planted, folder: Path) -> None:
    edit(folder, "        x = self.turn(x)\n", "")
    report = planted.report(folder)
    assert report.first is not None
    assert report.first.left_out == ("turn",)
    assert "model.py has no line for turn" in str(report)


def test_error_in_a_program_that_its_owner_rewrote(planted: Planted, folder: Path) -> None:
    edit(
        folder,
        "        x = F.relu(self.mix(x))\n",
        "        before = x * 1\n"
        "        mixed = self.mix(before)\n"
        "        x = torch.sigmoid(mixed)\n",
    )
    report = planted.report(folder)
    assert report.first is not None
    assert report.first.layer in ("mix", "turn")


def test_another_dtype(planted: Planted, folder: Path) -> None:
    edit(folder, "return label, score", "return label, score.half()")
    report = planted.report(folder)
    assert "dtype float16 where Keras has float32" in report.outputs[1].problem


def test_shape_that_would_broadcast(planted: Planted, folder: Path) -> None:
    edit(folder, "return label, score", "return label, score.expand(-1, 3)")
    report = planted.report(folder)
    assert report.outputs[1].problem == "shape (2, 3) where Keras has (2, 1)"


def test_nan(planted: Planted, folder: Path) -> None:
    edit(folder, "return label, score", "return label, score / (score != score)")
    report = planted.report(folder)
    assert report.verdict == DIFFERS
    change(folder, lambda weights: weights["score.bias"].fill_(float("nan")))
    edit(folder, "score / (score != score)", "score")
    report = planted.report(folder)
    assert "NaN" in report.outputs[1].problem
    assert report.first is not None
    assert report.first.layer == "score"


def test_changed_weight_without_an_effect(planted: Planted, folder: Path) -> None:
    def unused(weights: Weights) -> None:
        weights["lookup.weight"][3, 1] += 1e-7

    change(folder, unused)
    report = planted.report(folder)
    assert report.verdict == DIFFERS
    assert len(report.changed) == 1
    assert report.changed[0].startswith("lookup.weight differs in 1 of 44 numbers")


def test_missing_and_left_over_weights(planted: Planted, folder: Path) -> None:
    change(folder, lambda weights: weights.update(extra=weights.pop("mix.bias")))
    report = planted.report(folder)
    assert report.problems[0].startswith("model.py does not load")
    assert report.changed == (
        "extra is none of the Keras model's",
        "mix.bias is missing, which the file's mix/bias fills",
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("import torch\n", "import torch, missing_module\n", "does not load"),
        ("return label, score", "return label, scores", "does not run in float32: NameError"),
    ],
)
def test_program_that_fails(
    planted: Planted, folder: Path, old: str, new: str, problem: str
) -> None:
    edit(folder, old, new)
    assert problem in planted.report(folder).problems[0]


def test_report_as_json(planted: Planted, folder: Path) -> None:
    import json

    edit(folder, "F.relu(self.mix(x))", "self.mix(x)")
    data = json.loads(json.dumps(planted.report(folder).to_dict()))
    assert data["verdict"] == DIFFERS
    assert data["first"]["layer"] == "mix"
    assert set(data["outputs"][0]["errors"]) == {"float32", "float64"}
