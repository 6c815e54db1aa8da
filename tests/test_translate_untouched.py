"""Python that is no program of Keras stays as it is, and Keras's own sources do no harm.

A few of Keras's sources are translated at every run. All of them, which takes half an hour:

    TORCHTWIN_SOURCES=all pytest tests/test_translate_untouched.py
"""

from __future__ import annotations

import importlib.util
import os
import re
import sysconfig
from pathlib import Path

import pytest

from torchtwin import translate
from torchtwin.errors import TorchTwinError

STANDARD = Path(sysconfig.get_path("stdlib"))
FOREIGN = re.compile(r"^\s*(import|from) (keras|tensorflow|tf_keras)\b", re.MULTILINE)


def sources(folder: Path, every: int) -> list[Path]:
    found = [p for p in sorted(folder.rglob("*.py")) if "site-packages" not in p.parts]
    return found[::every]


def test_the_standard_library_stays_as_it_is() -> None:
    count = 0
    for path in sources(STANDARD, 10):
        text = path.read_bytes().decode("utf-8", "replace")
        if not FOREIGN.search(text):
            made = translate(text)
            assert made.source == text, path
            assert not made.unresolved
            count += 1
    assert count > 100


def keras_sources() -> list[Path]:
    spec = importlib.util.find_spec("keras")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "src"
    if os.environ.get("TORCHTWIN_SOURCES") == "all":
        return sorted(folder.rglob("*.py"))
    found = [p for p in sorted(folder.rglob("*.py")) if 3_000 < p.stat().st_size < 9_000]
    return [p for p in found if not p.name.endswith("_test.py")][::47]


@pytest.mark.parametrize("path", keras_sources(), ids=lambda path: "/".join(path.parts[-2:]))
def test_sources_of_keras_do_no_harm(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        made = translate(text)
    except TorchTwinError:
        return
    compile(made.source, str(path), "exec")
    assert made == translate(text)
