"""Bytecode of every Python becomes the source again; what is no such code is refused."""

from __future__ import annotations

import ast
import base64
import contextlib
import json
import marshal
import opcode
import random
import sys
import tracemalloc
import types
from pathlib import Path

import pytest

from bytecode_support import Instructions, assembled, number
from lambda_sources import FUNCTIONS, LAMBDAS
from torchtwin.bytecode.decompile import decompile
from torchtwin.bytecode.instructions import COUNTERS, tables
from torchtwin.errors import TorchTwinError, UnreadableModel, UntranslatedCode

SAMPLES = json.loads((Path(__file__).parent / "bytecode_samples.json").read_text("utf-8"))


def code_of(source: str) -> types.CodeType:
    module = compile(source, "lambda.py", "exec")
    return next(c for c in module.co_consts if isinstance(c, types.CodeType))


def tree(source: str) -> str:
    """Return what a source means: defaults are not in the code, `+=` is `=` in all but tensors."""
    parsed = ast.parse(source)
    for node in ast.walk(parsed):
        if isinstance(node, ast.arguments):
            node.defaults, node.kw_defaults = [], [None] * len(node.kwonlyargs)
        if isinstance(node, ast.Compare | ast.BinOp | ast.Name):
            node.__dict__.pop("ctx", None)
    return ast.unparse(parsed).replace("total += a", "total = total + a")


@pytest.mark.parametrize("source", [*LAMBDAS, *FUNCTIONS])
def test_this_python(source):
    assert tree(decompile(marshal.dumps(code_of(source))).source) == tree(source)


@pytest.mark.parametrize("version", SAMPLES)
def test_later_pythons(version):
    assert set(SAMPLES[version]) == {*LAMBDAS, *FUNCTIONS}
    for source, text in SAMPLES[version].items():
        assert tree(decompile(base64.b64decode(text)).source) == tree(source), source


def test_every_version_of_this_python_is_in_the_table():
    version = sys.version_info[:2]
    known = {k: n for n, k in opcode.opmap.items() if k < 256 and n != "CACHE"}
    table = {k: n for k, n in tables()[version].items() if n != "CACHE"}
    assert table == {k: n for k, n in known.items() if not n.startswith(("INSTR", "RESERVED"))}
    if hasattr(opcode, "_inline_cache_entries") and isinstance(opcode._inline_cache_entries, list):
        entries = {opcode.opname[k]: n for k, n in enumerate(opcode._inline_cache_entries) if n}
        assert entries == COUNTERS[version]


NORMALIZED = "lambda x: K.l2_normalize(x, axis=1)"


def keyword_call(version: str) -> Instructions:
    """Return the code of NORMALIZED: how a keyword goes along changed with Python 3.6."""
    start = [("LOAD_GLOBAL", 0), ("LOAD_ATTR", 1), ("LOAD_FAST", 0)]
    if version in ("2.7", "3.3", "3.4", "3.5"):
        last: Instructions = [("LOAD_CONST", 1), ("LOAD_CONST", 2), ("CALL_FUNCTION", 0x101)]
    else:
        last = [("LOAD_CONST", 2), ("LOAD_CONST", 3), ("CALL_FUNCTION_KW", 2)]
    return [*start, *last, "RETURN_VALUE"]


OLD = ["2.7", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10"]


@pytest.mark.parametrize("version", OLD)
def test_keywords_before_python_311(version):
    data = assembled(
        version, keyword_call(version), consts=(None, "axis", 1, ("axis",)),
        names=("K", "l2_normalize"),
    )  # fmt: skip
    assert decompile(data).source == NORMALIZED


def method(version: str, count: int) -> Instructions:
    if version in ("3.7", "3.8", "3.9", "3.10"):
        return [
            ("LOAD_METHOD", 1),
            *[("LOAD_FAST", k) for k in range(count)],
            ("CALL_METHOD", count),
        ]
    return [("LOAD_ATTR", 1), *[("LOAD_FAST", k) for k in range(count)], ("CALL_FUNCTION", count)]


@pytest.mark.parametrize("version", OLD)
def test_calls_before_python_311(version):
    code = [("LOAD_GLOBAL", 0), *method(version, 2), ("LOAD_CONST", 1), "BINARY_MULTIPLY",
            ("STORE_FAST", 2), ("LOAD_FAST", 2), ("LOAD_DEREF", 0), "BINARY_SUBTRACT",
            "RETURN_VALUE"]  # fmt: skip
    data = assembled(
        version, code, arguments=2, consts=(None, 0.5), names=("K", "maximum"),
        variables=("a", "b", "c"), name="widest", free=("low",),
    )  # fmt: skip
    body = "def widest(a, b):\n    c = K.maximum(a, b) * 0.5\n    return c - low"
    assert decompile(data).source == body
    assert decompile(data).free == ("low",)


@pytest.mark.parametrize("version", OLD)
def test_slices_and_tuples_before_python_311(version):
    nothing, end = ("LOAD_CONST", 0), ("LOAD_CONST", 1)
    whole = [nothing, nothing, ("BUILD_SLICE", 2)]
    code = [("LOAD_FAST", 0), *whole, end, nothing, ("BUILD_SLICE", 2), ("BUILD_TUPLE", 2),
            "BINARY_SUBSCR", "RETURN_VALUE"]  # fmt: skip
    assert decompile(assembled(version, code, consts=(None, -1))).source == "lambda x: x[:, -1:]"


JUMPS = {"2.7": (16, 6), "3.3": (16, 6), "3.5": (16, 6), "3.6": (12, 6), "3.9": (12, 6),
         "3.10": (6, 3)}  # fmt: skip


@pytest.mark.parametrize("version", JUMPS)
def test_conditions_before_python_311(version):
    """Jumps count bytes up to Python 3.9, and units of two afterwards."""
    target = JUMPS[version][0]
    code = [("LOAD_FAST", 0), ("LOAD_CONST", 0), ("COMPARE_OP", 4), ("POP_JUMP_IF_FALSE", target),
            ("LOAD_FAST", 0), "RETURN_VALUE", ("LOAD_FAST", 0), "UNARY_NEGATIVE",
            "RETURN_VALUE"]  # fmt: skip
    found = decompile(assembled(version, code, consts=(0,))).source
    assert found == "lambda x: x if x > 0 else -x"


def test_python_2():
    """True is a name there, a lambda can take a tuple apart, `/` has an instruction of its own."""
    code = [("LOAD_FAST", 0), ("UNPACK_SEQUENCE", 2), ("STORE_FAST", 1), ("STORE_FAST", 2),
            ("LOAD_GLOBAL", 0), ("LOAD_FAST", 1), ("LOAD_CONST", 0), ("LOAD_GLOBAL", 1),
            ("CALL_FUNCTION", 0x101), ("LOAD_FAST", 2), "BINARY_DIVIDE",
            "RETURN_VALUE"]  # fmt: skip
    data = assembled(
        "2.7", code, consts=("keepdims",), names=("f", "True"), variables=(".0", "a", "b")
    )
    body = "def function(argument_0):\n    a, b = argument_0\n    return f(a, keepdims=True) / b"
    assert decompile(data).source == body
    sliced = assembled(
        "2.7", [("LOAD_FAST", 0), ("LOAD_CONST", 0), "SLICE+1", "RETURN_VALUE"], consts=(2,)
    )
    assert decompile(sliced).source == "lambda x: x[2:]"


REFUSED = [
    "lambda x: (y for y in x)",
    "lambda x: f'{x}'",
    "def f(x):\n    try:\n        return x\n    except ValueError:\n        return 2",
    "def f(x):\n    with x as y:\n        return y",
    "def f(x):\n    while x:\n        x = x - 1\n    return x",
    "def f(x):\n    global y\n    y = x\n    return x",
    "def f(x):\n    class A: pass\n    return A",
    "def f(x):\n    raise ValueError",
    "def f(x):\n    for a in x:\n        if a:\n            break\n    return x",
    "async def f(x):\n    return x",
]


@pytest.mark.parametrize("source", REFUSED)
def test_refusals_show_the_instructions(source):
    with pytest.raises(UntranslatedCode, match="does what is not translated") as refusal:
        decompile(marshal.dumps(code_of(source)))
    assert "LOAD_FAST" in refusal.value.code or "LOAD_" in refusal.value.code
    assert refusal.value.code in str(refusal.value).replace("\n    ", "\n")


def nested(depth: int) -> bytes:
    return b"\xe3" + b"\0" * 20 + b")\x01" * depth + b"N"


HOSTILE = {
    "nothing": b"",
    "text": b"not code at all, not at all",
    "a number": marshal.dumps(3),
    "half": marshal.dumps(code_of("lambda x: x / 2"))[:-9],
    "more": marshal.dumps(code_of("lambda x: x / 2")) + b"N",
    "a long length": b"\xe3" + b"\0" * 20 + b"s\xff\xff\xff\x7f" + b"0" * 40,
    "a negative length": b"\xe3" + b"\0" * 20 + b"s\xff\xff\xff\xff" + b"0" * 40,
    "a tuple of two thousand millions": b"\xe3"
    + b"\0" * 20
    + b"s\0\0\0\0(\xff\xff\xff\x7f"
    + b"N" * 99,
    "nested deep": nested(100_000),
    "a number of a thousand million digits": b"\xe3"
    + b"\0" * 20
    + b"l\xff\xff\xff\x3f"
    + b"0" * 40,
    "too long": b"\xe3" * 1_000_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_code_is_refused(data):
    with pytest.raises(UnreadableModel):
        decompile(data)


def with_constants(constants: bytes) -> bytes:
    """Return a function of Python 3.8 whose constants are these marshalled bytes."""
    data = assembled("3.8", [("LOAD_CONST", 0), "RETURN_VALUE"], consts=(7,))
    return data.replace(b"(" + number(1) + b"i" + number(7), constants)


def test_a_tuple_that_holds_itself_is_refused():
    assert decompile(with_constants(b"\xa9\x01\xe9\x05\0\0\0")).source == "lambda x: 5"
    with pytest.raises(UnreadableModel):
        decompile(with_constants(b"\xa9\x01r\0\0\0\0"))


def test_references_that_double_are_refused():
    """Thirty tuples of two references each are a thousand million objects when written out."""
    tower = b"\xa9\x02NN"
    for k in range(30):
        tower = b"\xa9\x02" + tower + b"r" + number(30 - k)
    with pytest.raises(UnreadableModel):
        decompile(with_constants(b"(" + number(1) + tower))


def test_copies_of_copies_are_refused():
    doubled = [each for _ in range(40) for each in ("DUP_TOP", "BINARY_ADD")]
    with pytest.raises(UntranslatedCode):
        decompile(assembled("3.8", [("LOAD_FAST", 0), *doubled, "RETURN_VALUE"]))
    chained = [
        e
        for _ in range(40)
        for e in (("LOAD_FAST", 0), ("LOAD_FAST", 0), "BINARY_ADD", ("STORE_FAST", 0))
    ]
    assert (
        decompile(assembled("3.8", [*chained, ("LOAD_FAST", 0), "RETURN_VALUE"])).source.count(
            "x + x"
        )
        == 40
    )


def test_long_chains_and_many_branches_are_refused():
    long = [
        ("LOAD_FAST", 0),
        *[e for _ in range(900) for e in (("LOAD_FAST", 0), "BINARY_ADD")],
        "RETURN_VALUE",
    ]
    with pytest.raises(UntranslatedCode, match="too large"):
        decompile(assembled("3.8", long))


def test_names_that_are_no_names_are_refused():
    """A name goes into source: it must be one."""
    for word in ("x; import os", "x)", "", "class", "x\n", "é" * 3):
        data = assembled("3.8", [("LOAD_GLOBAL", 0), "RETURN_VALUE"], names=(word,))
        with pytest.raises(UnreadableModel):
            decompile(data)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_code_never_crashes(seed):
    """Whatever a byte is changed to, the answer is source or one of our errors."""
    numbers = random.Random(seed)
    codes = [marshal.dumps(code_of(source)) for source in [*LAMBDAS, *FUNCTIONS]]
    codes += [base64.b64decode(text) for version in SAMPLES.values() for text in version.values()]
    for _ in range(400):
        data = bytearray(numbers.choice(codes))
        for _ in range(numbers.randint(1, 4)):
            data[numbers.randrange(len(data))] = numbers.randrange(256)
        with contextlib.suppress(TorchTwinError):
            ast.parse(decompile(bytes(data)).source)


LARGE = [("EXTENDED_ARG", 0x7F), ("EXTENDED_ARG", 0xFF), ("EXTENDED_ARG", 0xFF)]
IMPORT = [("LOAD_CONST", 1), ("LOAD_CONST", 2), ("IMPORT_NAME", 0), ("IMPORT_FROM", 1)]
BOMBS: dict[str, Instructions] = {
    "parts": [("LOAD_FAST", 0), *LARGE, ("UNPACK_SEQUENCE", 0xFF), ("LOAD_FAST", 0)],
    "computed": [("LOAD_FAST", 0), ("LOAD_FAST", 0), ("IMPORT_NAME", 0), "RETURN_VALUE"],
    "dots": [*IMPORT, ("STORE_FAST", 1), "POP_TOP", ("LOAD_FAST", 0)],
}


@pytest.mark.parametrize("kind", BOMBS)
def test_numbers_in_code_are_believed_up_to_a_size(kind):
    """Of parts to unpack, and of the dots of a relative import, which are as many characters."""
    consts, names = (None, 10**9, ("b",)), ("a", "b")
    code = [*BOMBS[kind], "RETURN_VALUE"]
    data = assembled("3.8", code, consts=consts, names=names, variables=("x", "b"))
    tracemalloc.start()
    with pytest.raises(TorchTwinError):
        decompile(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
