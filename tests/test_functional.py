"""Functional programs as classes: the same text case by case, and the same numbers in Keras."""

from __future__ import annotations

from pathlib import Path

import libcst as cst
import pytest

from functional_support import compare
from torchtwin.translate.functional import desugared

FOLDER = Path(__file__).parent / "functional"
DIVIDER = "\n# output\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_programs_become_classes(path: Path, request: pytest.FixtureRequest, float64: None) -> None:  # noqa: ARG001
    source, _, expected = path.read_text(encoding="utf-8").partition(DIVIDER)
    done = desugared(cst.parse_module(source + "\n"))
    assert not done.unresolved
    assert compare(source, done.module.code) > 0
    if request.config.getoption("--update-golden"):
        path.write_text(source + DIVIDER + done.module.code, encoding="utf-8")
    else:
        assert done.module.code == expected
