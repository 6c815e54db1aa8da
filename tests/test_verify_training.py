"""Verification trains both sides; planted errors in the training must be found and named."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import pytest
from keras import layers as kl

import torchtwin
from cases import randomize
from torchtwin.verify.inputs import make_inputs
from torchtwin.verify.reference import Reference, run_judge
from torchtwin.verify.report import AGREES, DIFFERS, Report, TrainingReport
from torchtwin.verify.subject import subject_of
from torchtwin.verify.training import Lesson
from torchtwin.verify.verification import Session, original_of


def model() -> keras.Model:
    """Two outputs, one behind a softmax; batch statistics, a frozen layer, penalties, dropout."""
    picture = keras.Input((6, 5, 2), name="picture")
    words = keras.Input((5,), dtype="int32", name="words")
    l2 = keras.regularizers.L2(0.01)
    x = kl.Conv2D(3, 3, activation="gelu", kernel_regularizer=l2, name="conv")(picture)
    x = kl.BatchNormalization(momentum=0.9, name="norm")(x)
    x = kl.Dropout(0.5, name="thin")(kl.Flatten(name="flat")(kl.LeakyReLU(0.2, name="leaky")(x)))
    y = kl.Embedding(11, 4, mask_zero=True, name="lookup")(words)
    y = kl.LSTM(4, dropout=0.2, recurrent_dropout=0.2, name="memory")(y)
    z = kl.Dense(6, activation="tanh", name="kept", trainable=False)(kl.Concatenate()([x, y]))
    z = kl.GaussianNoise(0.3, name="noise")(z)
    label = kl.Dense(3, activation="softmax", name="label")(z)
    score = kl.Dense(1, name="score")(z)
    made = keras.Model([picture, words], [label, score], name="taught")
    randomize(made)
    made.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss={"label": "categorical_crossentropy", "score": "mse"},
        loss_weights={"label": 0.7, "score": 0.2},
        metrics={"label": ["accuracy"], "score": ["mae"]},
    )
    return made


class Taught:
    """The model in a file, trained by a judge once; any number of twins are compared with it."""

    def __init__(self, made: keras.Model, folder: Path, judge: str) -> None:
        self.path = folder / "model.keras"
        made.save(self.path)
        self.twin = torchtwin.convert(self.path)
        assert self.twin.train is not None
        original = original_of(self.path, None, self.twin, folder)
        self.session = Session(original, self.twin)
        self.session.lesson = Lesson(self.twin, self.twin.train, 0)
        inputs = make_inputs(self.twin.graph, self.twin.program, 0)
        reference = run_judge(judge, original, inputs, lesson=self.session.lesson)
        assert isinstance(reference, Reference), reference
        self.reference = reference

    def report(self, folder: Path) -> Report:
        return self.session.compared(subject_of(folder), self.reference)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return Taught(model(), tmp_path_factory.mktemp("taught"), "tensorflow")


@pytest.fixture
def folder(taught: Taught, tmp_path: Path) -> Path:
    return taught.twin.save(tmp_path / "twin")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert text.count(old) == 1, (old, text)
    (folder / name).write_text(text.replace(old, new))


def training(report: Report) -> TrainingReport:
    assert report.training is not None
    return report.training


def test_good_twin_agrees(taught: Taught, folder: Path) -> None:
    report = taught.report(folder)
    found = training(report)
    assert report.verdict == AGREES, report
    assert report.errors()["float64"] < 1e-13  # TensorFlow has constants of these in float32
    assert found.problem == found.reason == ""
    assert found.steps == 5
    assert found.losses["float64"] < 1e-12
    assert found.losses["float32"] < 1e-4
    assert found.gradients["float64"] < 1e-11
    assert found.weights["float64"] < 1e-12
    assert "  training 5 steps: loss " in str(report)
    assert any("clips the probabilities" in sentence for sentence in found.differences)
    assert f"  known   {found.differences[0]}" in str(report).splitlines()


def test_report_as_json(taught: Taught, folder: Path) -> None:
    edit(folder, "train.py", "lr=0.01", "lr=0.011")
    data = json.loads(json.dumps(taught.report(folder).to_dict()))
    assert data["verdict"] == DIFFERS
    assert data["training"]["steps"] == 5
    assert set(data["training"]["losses"]) == {"float32", "float64"}
    assert data["training"]["differences"]


EVERYWHERE = "gradients agree in the first step; conv.weight (layer conv)"
PLANTED: dict[str, tuple[str, str, str, str]] = {
    "learning rate": ("train.py", "lr=0.01", "lr=0.0101", EVERYWHERE),
    "epsilon": ("train.py", "epsilon=1e-7", "epsilon=1e-8", EVERYWHERE),
    "beta": ("train.py", "betas=(0.9, 0.999)", "betas=(0.9, 0.99)", EVERYWHERE),
    "softmax before the cross-entropy": (
        "train.py", "F.cross_entropy(label,", "F.cross_entropy(label.softmax(-1),",
        "the gradient of label.bias (layer label)",
    ),
    "no penalty": (
        "train.py", "        loss = loss + constant\n", "",
        "the gradient of conv.weight (layer conv)",
    ),
    "penalty that is not differentiated": (
        "train.py", "        loss = loss + constant", "        loss = loss + constant.detach()",
        "the gradient of conv.weight (layer conv)",
    ),
    "momentum of batch statistics": (
        "model.py", "nn.BatchNorm2d(3, eps=0.001)", "nn.BatchNorm2d(3, eps=0.001, momentum=0.101)",
        "gradients agree in the first step; norm.running_mean (layer norm)",
    ),
    "unbiased variance": (
        "train.py", "        keep_biased_variance(module)\n", "",
        "gradients agree in the first step; norm.running_var (layer norm)",
    ),
    "swapped loss weights": (
        "train.py", '{"label": 0.7, "score": 0.2}', '{"label": 0.2, "score": 0.7}',
        "the gradient of score.bias (layer score)",
    ),
    "frozen layer that is trained": (
        "model.py", "self.kept.requires_grad_(False)", "self.kept.requires_grad_(True)",
        "the gradient of kept.bias (layer kept) differs (Keras does not train it)",
    ),
    "layer that is not trained": (
        "model.py", "self.score = nn.Linear(6, 1)",
        "self.score = nn.Linear(6, 1).requires_grad_(False)",
        "the gradient of score.bias (layer score) differs (only Keras trains it)",
    ),
    "a gradient that is cut": (
        "model.py", "torch.tanh(self.kept(x))", "torch.tanh(self.kept(x.detach()))",
        "the gradient of memory.",
    ),
    "a metric": (
        "train.py", '"label_accuracy": SampleMean(categorical_accuracy)',
        '"label_accuracy": SampleMean(absolute_error)', "label_accuracy of step 1 is",
    ),
    "a program that does not run": (
        "train.py", "    optimizer.step()\n", "    optimiser.step()\n",
        "train.py does not train: NameError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_planted(name: str, taught: Taught, folder: Path) -> None:
    file, old, new, text = PLANTED[name]
    edit(folder, file, old, new)
    report = taught.report(folder)
    assert report.verdict == DIFFERS, report
    assert all(not o.problem for o in report.outputs)
    assert text in training(report).problem
    assert "  training " in str(report)
    with pytest.raises(torchtwin.TwinsDiffer):
        report.check()


def test_another_optimizer_that_rounds_in_a_step(tmp_path: Path) -> None:
    """Asked for at conversion; Lion makes a whole step of the rounding before a normalisation."""
    layers = [
        keras.Input((4,)),
        kl.Dense(3, name="a"),
        kl.BatchNormalization(name="b"),
        kl.Dense(1),
    ]
    made = keras.Sequential(layers, name="signs")
    randomize(made)
    made.save(tmp_path / "model.keras")
    asked = {"optimizer": "Lion(0.001)", "loss": "mae"}
    twin = torchtwin.convert(tmp_path / "model.keras", **asked, callbacks=["EarlyStopping"])
    folder = twin.save(tmp_path / "twin")
    report = torchtwin.verify(tmp_path / "model.keras", folder, judge="jax", **asked)
    assert report.verdict == AGREES, report
    assert training(report).losses["float64"] < 1e-12
    assert training(report).steps == 5
    assert "a.bias" in training(report).notes[0]
    lesson = Lesson(twin, twin.train or "", 0)
    assert "callbacks" not in lesson.request("jax", rebuilt=False)["compile"]
    plain = Lesson(torchtwin.convert(tmp_path / "model.keras"), twin.train or "", 0)
    assert plain.problem.startswith("the file does not say how it is compiled")


def test_train_py_for_another_training(taught: Taught) -> None:
    """A folder does not tell what `convert` was given."""
    twin = torchtwin.convert(taught.path, optimizer="SGD(0.1)")
    assert twin.train is not None
    lesson = Lesson(taught.twin, twin.train, 0)
    assert lesson.problem.startswith("train.py is for SGD, categorical_crossentropy")
    session = Session(taught.session.original, taught.twin)
    session.lesson = lesson
    report = session.compared(subject_of(twin), taught.reference)
    assert report.verdict == AGREES
    assert f"  training not verified: {lesson.problem}" in str(report)


def test_without_train_py_nothing_is_trained(taught: Taught, folder: Path) -> None:
    (folder / "train.py").unlink()
    report = taught.report(folder)
    assert report.verdict == AGREES
    assert report.training is None
    assert "training" not in str(report)
