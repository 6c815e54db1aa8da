"""Runs translated programs where neither Keras nor torchtwin can be imported.

    python run_programs.py FOLDER TARGET.json

FOLDER holds the translations. Batches come in order, dropout lets everything pass, and models
start from the weights that Keras's started from, as in keras_programs.py.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

HOME = os.environ["KERAS_HOME"] = tempfile.mkdtemp()
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from custom.program_values import PRECISE, RECORD, digits, run, start
from torchtwin import load_keras_weights

FORBIDDEN = {"keras", "tensorflow", "tf_keras", "jax", "torchtwin"}
IMPORT = builtins.__import__


def guarded(name: str, *args: Any, **kwargs: Any) -> Any:
    """Import as always, but for a program: it does without all these."""
    asking = ((args[0] if args else kwargs.get("globals")) or {}).get("__name__", "")
    if name.partition(".")[0] in FORBIDDEN and not asking.startswith("torchtwin"):
        raise ImportError(f"a translated program imports {name}")
    return IMPORT(name, *args, **kwargs)


class Starts:
    """Gives models, as they are called for the first time, the weights recorded for them."""

    def __init__(self, program: str, models: list[Any]) -> None:
        self.program = program
        self.models = models
        self.seen: list[Any] = []
        self.busy = False

    def __call__(self, module: torch.nn.Module, inputs: Any) -> None:
        if self.busy or any(module is part for seen in self.seen for part in seen.modules()):
            return
        self.seen.append(module)
        index = len(self.seen) - 1
        if index >= len(self.models):
            raise AssertionError(f"{self.program} uses more models than in Keras: {module}")
        if self.models[index] is not None:
            self.busy = True
            load_keras_weights(module, start(self.program, index, self.models[index]), *inputs)
            self.busy = False


def install() -> None:
    torch.nn.functional.dropout = lambda x, *_, **__: x
    torch.randperm = lambda count, **_: torch.arange(count)
    builtins.__import__ = guarded


def main(folder: str, target: str) -> int:
    digits(Path(HOME))
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    install()
    found = {}
    for path in sorted(Path(folder).glob("*.py")):
        torch.set_default_dtype(torch.float64 if path.stem in PRECISE else torch.float32)
        handle = register_module_forward_pre_hook(Starts(path.stem, record[path.stem]["models"]))
        torch.set_grad_enabled(True)  # a program says for itself when it takes none
        try:
            found[path.stem] = {"values": run(path.read_text(encoding="utf-8"), path.stem)}
        except Exception:
            found[path.stem] = {"error": traceback.format_exc(limit=-6)}
        finally:
            handle.remove()
    Path(target).write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
