"""Code that asks for more than there is: endless numbers, lists, loops and nesting."""

from __future__ import annotations

import base64
import json
import marshal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest

import torchtwin
from test_hostile import sequential
from torchtwin.arithmetic import TooLarge, check, few, rounded
from torchtwin.errors import TorchTwinError, UnreadableModel, UntranslatedCode

IMPORT = "import keras\n"
PROGRAMS = {
    "list": "m = keras.Sequential([keras.Input((4,))] + [keras.layers.Dense(4)] * 10**9)\n",
    "text": "m = keras.Sequential(name='a' * 10**10)\n",
    "range": "m = keras.Sequential([keras.layers.Dense(4) for k in sorted(range(10**10))])\n",
    "power": "m = keras.Sequential([keras.layers.Dense(9**9**9)])\n",
    "squares": "n = 3\nfor k in range(900):\n    n = n * n\nm = keras.Sequential([])\n",
    "doubled": "n = [1]\nfor k in range(60):\n    n = n + n\nm = keras.Sequential([])\n",
    "extended": "n = [1]\nfor k in range(60):\n    n.extend(n)\nm = keras.Sequential([])\n",
    "unpacked": "a, b = range(10**11)\nm = keras.Sequential([])\n",
    "rounded": "m = keras.Sequential([keras.layers.Dense(round(7, -(10**9)))])\n",
    "nested": "m = keras.Sequential([keras.layers.Dense(4)"
    " for i in range(999) for j in range(999) for k in range(999)])\n",
}  # fmt: skip
LIMITED = """
import resource, sys, torchtwin
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
print(len(torchtwin.translate(sys.stdin.read()).source))
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_followed_within_limits(name: str) -> None:
    """Values that are plain are computed, to tell how layers are used: those of no size at all."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        input=IMPORT + PROGRAMS[name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
    assert time.monotonic() - started < 60


DEEP = {
    "brackets": "[" * 5000 + "]" * 5000,
    "brackets that stay open": "(" * 30_000,
    "calls": "keras.ops.abs(" * 3000 + "y" + ")" * 3000,
    "sums": "+".join(["y"] * 3000),
    "attributes": "y" + ".a" * 3000,
    "signs": "- " * 3000 + "y",
    "lambdas": "lambda: " * 3000 + "y",
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_programs_are_refused(name: str) -> None:
    """LibCST's parser, which is no Python, would need more stack than there is, and die."""
    with pytest.raises(UnreadableModel, match="nested deeper"):
        torchtwin.translate(f"{IMPORT}x = {DEEP[name]}\n")
    later = f"{IMPORT}type X = int\nx = {DEEP[name]}\n"  # of Python 3.12
    with pytest.raises(TorchTwinError):
        torchtwin.translate(later)


def test_sums_of_a_hundred_terms_are_no_depth() -> None:
    text = f"{IMPORT}x = keras.ops.abs(y) + {'+'.join('y' * 100)}\n"
    assert torchtwin.translate(text).unresolved == ()


LAMBDAS = [
    "lambda x, q=9: x * q**q**q", "lambda x, q=9: x * pow(q, q**q)",
    "lambda x, q=9: x + len([0] * (q**q * 100))", "lambda x, q=9: x + sum(range(q**q * 1000))",
    "lambda x, q=9: x + round(q, -(q**q))", "lambda x, q=9: x * 0.5 ** -(q**q)",
    "lambda x, q=9: x + len([i for i in range(q**q) for j in range(q**q)])",
]  # fmt: skip


@pytest.mark.parametrize("source", LAMBDAS)
def test_lambdas_are_computed_within_limits(source: str, tmp_path: Path) -> None:
    code = base64.b64encode(marshal.dumps(eval(source).__code__)).decode()
    held = {"code": code, "defaults": [9], "closure": None}
    function = {"class_name": "__lambda__", "config": held}
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        file.create_group("vars")
    config = sequential(("Lambda", {"function": function, "arguments": {}}))
    (tmp_path / "m.json").write_text(json.dumps(config))
    started = time.process_time()
    with pytest.raises(UntranslatedCode, match=r"too l|too m|too d|\*\* of these"):
        torchtwin.convert(tmp_path / "m.json", weights=tmp_path / "m.weights.h5")
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("symbol", "left", "right"),
    [("*", [1], 10**5), ("*", 10**5, "a"), ("+", [1] * 9999, [1, 2]), ("**", 3, 10**9),
     ("*", 10**30, 10**30), ("%", "%9999999d", 1)],
)  # fmt: skip
def test_what_is_too_large(symbol: str, left: object, right: object) -> None:
    with pytest.raises(TooLarge):
        check(symbol, left, right)


def test_what_is_not_too_large() -> None:
    check("*", [1, 2], 100)
    check("**", 2, 31)
    check("**", 2, -(10**9))
    check("*", 1e300, 1e300)
    check("+", "a", "b")
    check("*", [1], -1)
    assert few(range(10)) == range(10)
    assert rounded(2.5) == 2
    assert rounded(1234, -2) == 1200
    with pytest.raises(TooLarge):
        rounded(7, -(10**9))
