"""What of ours is copied into a program: whole statements, and no more than is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from typing import Any

import pytest

from torchtwin import translate
from torchtwin.emit.parts import text_of
from torchtwin.translate import parts
from torchtwin.translate.copying import copies, free_name, mentioned, with_names
from torchtwin.translate.parts.batches import batches_of
from torchtwin.translate.parts.models import Sequential


def own_parts() -> list[Any]:
    found = []
    for info in pkgutil.iter_modules(parts.__path__, f"{parts.__name__}."):
        module = importlib.import_module(info.name)
        found += [
            part for part in vars(module).values()
            if (inspect.isclass(part) or inspect.isfunction(part))
            and part.__module__ == module.__name__
        ]  # fmt: skip
    return found


@pytest.mark.parametrize("part", own_parts(), ids=lambda part: part.__name__)
def test_without_its_optional_lines_a_part_is_still_python(part: Any) -> None:
    ast.parse(text_of(part, ()))


def test_lines_that_nothing_mentions_are_left_out() -> None:
    plain = "\n".join(copies([Sequential], "model.fit(x, y)\n").values())
    assert "def figures_of" not in plain
    assert "def evaluate" not in plain
    assert "self.run" not in plain
    assert "def trainable" not in plain
    ast.parse(plain)
    told = "\n".join(copies([Sequential], "model.fit(x, y, validation_data=d)\n").values())
    assert "self.figures_of(validation)" in told
    assert "def figures_of" in told
    everything = "model.fit(x, callbacks=[])\nmodel.evaluate(x)\nmodel.trainable = False\n"
    more = "\n".join(copies([Sequential], everything).values())
    assert "def evaluate" in more
    assert "self.run.tell" in more
    assert "def trainable" in more
    ast.parse(more)


def test_a_name_of_the_program_stays_its_own() -> None:
    found = copies([batches_of], "batches_of_\n", {"flat", "mapped"})
    text = "\n".join(found.values())
    assert "def _flat(" in text
    assert "flat(" not in text.replace("_flat(", "")
    assert free_name("flat", {"flat", "_flat"}) == "__flat"
    assert with_names("f(x.f, f=f)\n", {"f": "g"}) == "g(x.f, f=g)\n"
    assert {"a", "b", "c", "word"} <= mentioned("a.b(c=1)\n'word'\n'two words'\n")


CLASH = """import keras


def mapped(x):
    return x


def accuracy(y_true, y_pred):
    return keras.ops.mean(y_true)


model = keras.Sequential([keras.layers.Dense(3)])
model.compile("adam", "mse", metrics=["accuracy", accuracy])
"""


def test_names_of_the_program_are_never_taken() -> None:
    source = translate(CLASH).source
    tree = ast.parse(source)
    names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    assert len(names) == len(set(names))
    assert "SampleMean(_accuracy)" in source
    assert ", accuracy]" in source
