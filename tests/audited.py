"""Converts a model of every format under an audit hook: a process of its own, see test_hostile.py.

    python tests/audited.py FOLDER

Prints what was done that nothing allows, a line each. The hook sees imports, files that are opened,
sockets, processes, code that is executed, and what pickle and marshal load.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import io
import json
import marshal
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import torchtwin
from torchtwin.cli import main as main_of_torchtwin

SEEDS = Path(__file__).parent / "fuzz" / "seeds"
FORMATS: dict[str, dict[str, str]] = {
    "plain.keras": {}, "image.keras": {}, "sequence.keras": {}, "plain.h5": {}, "image.h5": {},
    "plain_tfjs": {}, "saved_model": {}, "plain.json": {"weights": "plain.weights.h5"},
    "checkpoint/plain.json": {"weights": "checkpoint/plain.index"},
    "plain.json shards": {"weights": "plain.weights.json"}, "unpacked": {},
    "lambda.keras": {}, "broken.keras": {}, "broken.h5": {},
}  # fmt: skip
PROGRAM = "import keras\n\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"
LIBRARIES = tuple(str(Path(sysconfig.get_path(k)).resolve()) for k in ("stdlib", "purelib"))
OURS = str(Path(torchtwin.__file__).resolve().parent)
NEVER = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "os.system", "os.exec", "os.fork",
         "pickle.", "webbrowser.", "os.startfile", "ctypes.call_function", "os.putenv")  # fmt: skip


class Audit:
    """Collects what is done that is none of torchtwin's business."""

    def __init__(self, given: Path, out: Path) -> None:
        self.given, self.out = given, out
        self.on, self.wrong = False, []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on:
            self.on = False
            try:
                if problem := self.problem(event, args):
                    self.wrong.append(f"{event}: {problem}")
            finally:
                self.on = True

    def problem(self, event: str, args: tuple[Any, ...]) -> str:
        """Say what is wrong with an event, "" for what is allowed."""
        if event == "open":
            return self.opened(str(args[0]), str(args[1] or "r"))
        if event == "import":
            root = str(args[0]).partition(".")[0]
            known = root in sys.stdlib_module_names or root in ("torch", "torchtwin", "numpy")
            return "" if known or root in sys.modules else str(args[0])
        if event == "subprocess.Popen":
            return "" if Path(str(args[0])).name == "ruff" else str(args[:2])
        if event == "exec":
            return self.executed(args[0].co_filename)
        if event == "marshal.loads":
            imports = "importlib" in sys._getframe(3).f_code.co_filename
            return "" if imports else "code is unmarshalled"
        return str(args)[:200] if event.startswith(NEVER) else ""

    def opened(self, path: str, mode: str) -> str:
        if not path.startswith("/"):
            return "" if path.isdigit() else f"{path} ({mode})"  # a number: it is open already
        place = Path(path).resolve()
        if place.is_relative_to(self.out) or str(place) in ("/dev/null", "/proc/self/fd"):
            return ""
        reads = "w" not in mode and "a" not in mode and "+" not in mode
        ours = place.is_relative_to(self.given) or str(place).startswith((*LIBRARIES, OURS))
        return "" if reads and ours else f"{path} ({mode})"

    def executed(self, file: str) -> str:
        known = file.startswith((*LIBRARIES, OURS, "<frozen", "<string>", str(self.out)))
        return "" if known or file in ("model.py", "train.py") else file


def lambda_archive(path: Path) -> None:
    """Write an archive with a Lambda whose code would leave a file behind."""
    source = f"lambda x: (open({str(path.parent / 'ran')!r}, 'w').close(), x)[1]"
    code = base64.b64encode(marshal.dumps(eval(source).__code__)).decode()
    function = {
        "class_name": "__lambda__",
        "config": {"code": code, "defaults": None, "closure": None},
    }
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 4]}},
        {"class_name": "Lambda", "config": {"name": "f", "function": function, "arguments": {}}},
    ]
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.5.0"}))
        archive.write(SEEDS / "plain.weights.h5", "model.weights.h5")


def others(given: Path) -> None:
    """Write an unpacked archive, and weights in a shard with their index."""
    with zipfile.ZipFile(given / "plain.keras") as archive:
        archive.extractall(given / "unpacked")
    shard = "plain_00000.weights.h5"
    shutil.copy(given / "plain.weights.h5", given / shard)
    index = {"metadata": {"total_size": 60}, "weight_map": {"/layers/dense/vars": shard}}
    (given / "plain.weights.json").write_text(json.dumps(index))


def convert(given: Path, name: str, options: dict[str, str], out: Path) -> str:
    """Convert one model, look into it, and import the programs that were written."""
    weights = {key: given / value for key, value in options.items()}
    model, folder = given / name.partition(" ")[0], out / name
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main_of_torchtwin(["inspect", str(model)])
    try:
        torchtwin.convert(model, **weights).save(folder)
    except torchtwin.TorchTwinError as error:
        return f"refused: {str(error).splitlines()[0][:90]}"
    imported("model", folder / "model.py").load()
    if (folder / "train.py").exists():
        imported("train", folder / "train.py")
    return "converted"


def imported(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    given, out = folder / "given", folder / "out"
    shutil.copytree(SEEDS, given)
    others(given)
    lambda_archive(given / "lambda.keras")
    for name in ("image.keras", "image.h5"):
        data = (given / name).read_bytes()
        (given / f"broken{Path(name).suffix}").write_bytes(data[: len(data) // 2])
    for module in ("keras", "tensorflow", "tf_keras", "jax", "h5py"):
        sys.modules[module] = None  # type: ignore[assignment]
    audit = Audit(given, out)
    told = {}
    sys.addaudithook(audit)
    for turn in ("first", "second"):  # in the first all that is needed is imported
        for name, options in FORMATS.items():
            audit.on = turn == "second"
            told[name] = convert(given, name, options, out / turn)
            audit.on = False
        audit.on = turn == "second"
        torchtwin.translate(PROGRAM)
        audit.on = False
    if (given / "ran").exists():
        audit.wrong.append("the code of a Lambda was executed")
    print(json.dumps({"wrong": sorted(set(audit.wrong)), "told": told}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
