"""Functional programs as classes: the same text case by case, and the same numbers in Keras.

pytest tests/test_functional.py --update-golden      writes the texts anew, and compares them all

Without it a text that is the same as the one that was compared is not compared again, except a few.
"""

from __future__ import annotations

from pathlib import Path

import libcst as cst
import pytest

from functional_support import compare
from torchtwin.translate.functional import desugared

FOLDER = Path(__file__).parent / "functional"
DIVIDER = "\n# output\n"
COMPARED = {"autoencoder", "functions", "seq2seq", "siamese", "widedeep"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_programs_become_classes(path: Path, request: pytest.FixtureRequest) -> None:
    source, _, expected = path.read_text(encoding="utf-8").partition(DIVIDER)
    done = desugared(cst.parse_module(source + "\n"))
    assert not done.unresolved
    update = request.config.getoption("--update-golden")
    if update or path.stem in COMPARED:
        request.getfixturevalue("float64")
        assert compare(source, done) > 0
    if update:
        path.write_text(source + DIVIDER + done.module.code, encoding="utf-8")
    assert done.module.code == expected or update
