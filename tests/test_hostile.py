"""Files that mean harm: nothing in them is executed, opened or believed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import torchtwin
from audited import FORMATS, Audit
from torchtwin.emit.guard import guarded
from torchtwin.errors import (
    Refusals,
    TorchTwinError,
    UnreadableModel,
    UnsupportedError,
    UntranslatedCode,
)
from torchtwin.limits import LIMITS
from torchtwin.readers import plain, read
from torchtwin.source import Source
from torchtwin.upgrade import upgraded

TESTS = Path(__file__).parent
SEEDS = TESTS / "fuzz" / "seeds"
REFUSED = ("lambda.keras", "broken.keras", "broken.h5")


def test_nothing_but_our_own_is_done(tmp_path: Path) -> None:
    command = [sys.executable, str(TESTS / "audited.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["wrong"] == []
    ends = {name: text.partition(":")[0] for name, text in told["told"].items()}
    assert ends == {n: "refused" if n in REFUSED else "converted" for n in FORMATS}


def test_the_hook_sees_what_it_is_there_for(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "given", tmp_path / "out")
    seen = {
        "open": [("/etc/hostname", "r"), (f"{tmp_path}/given/x", "w"), ("x.bin", "r")],
        "import": [("keras_cv", None)], "exec": [(compile("1", "evil", "eval"),)],
        "subprocess.Popen": [("/bin/sh", ["sh"])], "socket.connect": [(None, ("::1", 1))],
        "pickle.find_class": [("os", "system")], "os.system": [("true",)],
    }  # fmt: skip
    for event, calls in seen.items():
        assert all(audit.problem(event, args) for args in calls), event


def sequential(*layers: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    first = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 8, 8, 4]}}
    rest = [{"class_name": c, "config": {"name": c.lower(), **config}} for c, config in layers]
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [first, *rest]}}


ARGUMENTS: list[tuple[str, str, list[Any]]] = [
    ("Dense", "units", [0, -3, 3.5, "3", True, None, [3], {}, 10**12]),
    ("Dense", "use_bias", [2, "yes", 1.0, []]),
    ("Conv2D", "filters", [None, 0, "x"]),
    ("Conv2D", "kernel_size", [[3, 3, 3], [0, 1], [10**9, 1], "3", None, [], [3.0, 3]]),
    ("Conv2D", "strides", [[0, 1], [-1, 1], 0]),
    ("Conv2D", "dilation_rate", [[-1, 1], [True, True]]),
    ("Conv2D", "groups", [0, "2"]),
    ("Conv2D", "padding", ["sideways'); import os#", 3]),
    ("Conv2D", "data_format", ["channels_\u202elast", 7]),
    ("DepthwiseConv2D", "depth_multiplier", [0, -1]),
    ("Dropout", "rate", [2.0, -0.1, "0.5"]),
    ("Softmax", "axis", [10**9, "x"]),
    ("BatchNormalization", "epsilon", ["x", None]),
    ("Permute", "dims", [[1, 1, 2], [0, 1], [2, 3]]),
    ("Reshape", "target_shape", [[-1, -1], ["x"], [2**60]]),
    ("ZeroPadding2D", "padding", [[[-1, 0], [0, 0]], "same"]),
    ("Cropping2D", "cropping", [[[10**9, 0], [0, 0]]]),
    ("MaxPooling2D", "pool_size", [[0, 0], [2, 2, 2]]),
    ("UpSampling2D", "size", [[0, 1], ["2", 2]]),
    ("RepeatVector", "n", [0, "x"]),
    ("GaussianNoise", "stddev", [-1.0, "x"]),
    ("Normalization", "mean", [["x"], "x"]),
    ("Rescaling", "scale", ["x", [1, "x"]]),
    ("InputLayer", "batch_shape", [[None, -4], [None, 4.0], ["x"], [None] * 2000, 5]),
    ("Discretization", "bin_boundaries", [[3.0, 1.0], ["x"]]),
    ("LSTM", "recurrent_dropout", [1.5, "x"]),
    ("Embedding", "input_dim", [0, "x"]),
    (
        "Dense",
        "dtype",
        [{"class_name": "DTypePolicy", "config": {"name": ["mixed"]}}, "os.system", 5],
    ),
    ("Dense", "kernel_regularizer", [{"class_name": "L2", "config": {"l2": "1); import os"}}]),
]


@pytest.mark.parametrize(("layer", "name", "values"), ARGUMENTS, ids=lambda v: str(v)[:20])
def test_arguments_of_another_kind_are_refused(layer: str, name: str, values: list[Any]) -> None:
    inner = {"class_name": layer, "config": {"name": "inner"}}
    for value in values:
        inner["config"] = {"name": "inner", name: value}
        wrapped = ("TimeDistributed", {"layer": inner})
        for given in ((layer, {name: value}), wrapped):
            with pytest.raises(TorchTwinError, match=f"{layer} has {name}="):
                upgraded(Source(sequential(given), "3.5.0", "test"))


JSON = {
    '{"a": 1, "a": 1}': "duplicate key: 'a'",
    '{"a": 1, "\\u0061": 2}': "duplicate key: 'a'",
    '{"config": {"units": NaN}}': r"NaN.* at 'units'",
    '{"units": 1e999}': r"Infinity.* at 'units'",
    '{"units": -Infinity}': "at 'units'",
    '{"name": "\\ud800"}': "surrogate",
    f'{{"units": {10**30}}}': "too large",
    f'{{"units": {"9" * 5000}}}': "JSON",
    '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}": "nested deeper",
    '{"a": ' + "[" * 200 + "]" * 200 + "}": "nested deeper",
    '{"a": [' + "[]," * 2_000_001 + "1]}": "too many values",
    '{"a": 1}]': "not valid JSON",
    '"x"': "not valid JSON|not an object",
}


@pytest.mark.parametrize("text", JSON, ids=lambda text: text[:20])
def test_json_that_is_none(text: str) -> None:
    with pytest.raises(UnreadableModel, match=JSON[text]):
        plain.parsed(text, "config.json")


def test_infinity_is_an_operand() -> None:
    call = {"args": [1.0], "kwargs": {"x2": float("-inf")}}
    assert plain.parsed(json.dumps({"inbound_nodes": [call]}), "config")


@pytest.mark.parametrize(
    ("class_name", "count", "config", "problem"),
    [
        ("ReLU", 20_001, {}, "too many layers"),
        ("GRU", 1001, {"units": 1}, "too many layers"),
        ("Dense", 301, {"units": 1}, "301 of its layers have weights, and there are 2 arrays"),
        ("Rescaling", 3, {"scale": [0.5] * 70_000}, "too many numbers"),
    ],
)
def test_models_that_are_too_large(
    class_name: str, count: int, config: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    """They are refused before each of their layers is looked at."""
    (tmp_path / "m.json").write_text(json.dumps(sequential(*[(class_name, config)] * count)))
    started = time.process_time()
    with pytest.raises(UnreadableModel, match=problem):
        torchtwin.convert(tmp_path / "m.json", weights=SEEDS / "plain.weights.h5")
    assert time.process_time() - started < 10


def test_limits_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    security = (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8")
    assert all(f"TORCHTWIN_LIMIT_{name}" in security for name in LIMITS)
    plain.parsed('{"a": [1, 2, 3]}', "config")
    monkeypatch.setenv("TORCHTWIN_LIMIT_ITEMS", "2")
    with pytest.raises(UnreadableModel, match="TORCHTWIN_LIMIT_ITEMS"):
        plain.parsed('{"a": [1, 2, 3]}', "config")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:

    folder = tmp_path / "model"
    shutil.copytree(SEEDS / "plain_tfjs", folder)
    shard = folder / "group1-shard1of1.bin"
    shutil.copy(shard, tmp_path / "secret")
    shard.unlink()
    shard.symlink_to(tmp_path / "secret")
    with pytest.raises(UnreadableModel, match="link out of the folder"):
        read(folder)
    blobs = tmp_path / "blobs"  # the cache of a hub has links alone
    blobs.mkdir()
    (tmp_path / "secret").rename(blobs / "1")
    (folder / "model.json").rename(blobs / "2")
    shard.unlink()
    for name, blob in ((shard.name, "1"), ("model.json", "2")):
        (folder / name).symlink_to(blobs / blob)
    assert read(folder).weights is not None
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableModel, match="pipe"):
        read(tmp_path / "pipe")


def test_members_that_lie_about_their_size(tmp_path: Path) -> None:
    data = (SEEDS / "plain.keras").read_bytes()
    with zipfile.ZipFile(SEEDS / "plain.keras") as archive:
        info = archive.getinfo("config.json")
    place = data.rindex(b"config.json") - 46  # in the directory at the end
    longer = (info.file_size + 99).to_bytes(4, "little")
    (tmp_path / "m.keras").write_bytes(data[: place + 24] + longer + data[place + 28 :])
    with pytest.raises(UnreadableModel, match=r"config\.json"):
        read(tmp_path / "m.keras")


def test_members_are_stored_or_deflated(tmp_path: Path) -> None:
    """What bz2 and lzma expand to is not bounded by Python, and Keras writes neither."""
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("config.json", json.dumps(sequential()) + " " * 1_000_000)
    with pytest.raises(UnreadableModel, match="compressed by method 12"):
        read(tmp_path / "m.keras")


@pytest.mark.parametrize(("offset", "value"), [(34, b"\7"), (20, b"\1"), (46 + 6, b"\0")])
def test_members_that_are_elsewhere(offset: int, value: bytes, tmp_path: Path) -> None:
    """On another disk, of another stored size, or with a name that ends before its end."""
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("config.json", json.dumps(sequential()))
    data = bytearray((tmp_path / "m.zip").read_bytes())
    place = data.rindex(b"config.json") - 46 + offset
    data[place : place + 1] = value
    (tmp_path / "m.keras").write_bytes(bytes(data))
    with pytest.raises(UnreadableModel, match="zip archive is damaged"):
        read(tmp_path / "m.keras")


PROGRAM = '"""Doc."""\n\nfrom torch import nn\n\n\nclass M(nn.Module):\n    x = 1\n'
INJECTED = [
    "import os\nos.system('x')\n", "x = 1\n", "class M:\n    y = __import__('os')\n", "print(1)\n",
    "class M:\n    y = ().__class__\n", "class M:\n    y = open('x')\n", "import subprocess\n",
    "class M:\n    y = torch.load('x')\n", "class M:\n    import os\n", "x: int = 1\n",
    "'\u202e'\n",
    "class M:\n    y = unknown\n", "if __name__ == '__main__':\n    print(1)\n", "def f(:\n",
    "def load():\n    global x\n", "class M:\n    async def f(self): pass\n", "# \x1b[2J\n",
]  # fmt: skip


@pytest.mark.parametrize("code", INJECTED, ids=lambda code: code[:24])
def test_a_program_is_what_the_emitter_writes(code: str) -> None:
    assert guarded(PROGRAM, ["M"], []) == PROGRAM
    with pytest.raises(TorchTwinError, match="not as it was meant to be"):
        guarded(PROGRAM + code, ["M", "load"], [])


def test_names_are_names_and_nothing_else(tmp_path: Path) -> None:
    """Whatever layers are called, the program has one line for each and runs."""
    names = [
        'a"); import os#', "a'); import os#", 'a"""\nimport os\n"""', "a\rimport os", "x\\", "{x}",
        "class", "None", "self", "forward", "state_dict", "__init__", "_modules", "", "1", "é",
        "\ufb01", "fi", "a-b", "a_b", "a b", "x" * 10_000, "\u202eab", "\x1b[2J", "<script>",
        "../../x", "/etc",
    ]  # fmt: skip
    layers = [("Dense", {"name": name, "units": 4, "use_bias": False}) for name in names]
    config = sequential(*layers)
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 4]
    config["config"]["name"] = names[2]
    (tmp_path / "m.json").write_text(json.dumps(config))
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        for k in range(len(names)):
            kernel = np.full((4, 4), k, "f4")
            file[f"layers/dense{f'_{k}' * (k > 0)}/vars/0"] = kernel
    twin = torchtwin.convert(tmp_path / "m.json", weights=tmp_path / "m.weights.h5")
    kernels = [float(p.detach()[0, 0]) for p in twin.module.parameters()]
    assert kernels == list(range(len(names)))
    assert twin.source.isascii() or "é" in twin.source
    assert twin.source.count("nn.Linear(") == len(names)


def test_errors_are_short_and_a_terminal_has_the_whole() -> None:
    code = "\n".join(f"{k:3} LOAD_FAST" + "x" * 200 for k in range(70))
    parts: dict[str, Any] = {"where": "w" * 900, "hint": "h" * 900, "stub": "def f(x):\n    pass"}
    error = UntranslatedCode("p" * 900, code=code, **parts)
    listed = Refusals([error] * 30)
    for told in (error, listed, Refusals([UnsupportedError("p", where="w")] * 900)):
        assert 400 < len(str(told)) <= 2000
        assert re.search(r"more( lines)?$|pass$", str(told))
    assert "69 LOAD_FAST" in error.whole()
    assert "69 LOAD_FAST" in Refusals([error]).whole()
    assert str(error).endswith("  stub\n    def f(x):\n        pass")
