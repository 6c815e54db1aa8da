"""The command line: arguments → one call → an exit code.

Exit codes: 0 done, 1 refused or differs, 2 wrong usage. Nothing here imports torch: each command
does when it runs, so that `torchtwin --help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from torchtwin.errors import Refusals, TorchTwinError, shortened

LAYOUTS = ("torch", "keras")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without `→` shows `?`
    signal.signal(signal.SIGTERM, _stop)
    try:
        from torchtwin import commands, commands_translate

        home = commands_translate if options.command == "translate" else commands
        run = getattr(home, options.command)
        code: int = run(options)
        sys.stdout.flush()
        return code
    except TorchTwinError as error:
        return _refused(error, as_json=options.json)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("TORCHTWIN_DEBUG") == "1":
            raise
        return _bug(error)


def parser() -> argparse.ArgumentParser:
    from torchtwin import __version__

    top = argparse.ArgumentParser(
        prog="torchtwin",
        description="Turn a Keras model into the PyTorch that you would have written, "
        "and prove that the two agree.",
        epilog="Exit codes: 0 done, 1 refused or differs, 2 wrong usage.",
    )
    top.add_argument("--version", action="version", version=f"torchtwin {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_convert(commands)
    verify = _add(commands, "verify", "compare a twin with its Keras model, in numbers")
    verify.add_argument("model", metavar="MODEL", help="the Keras model that it was made from")
    verify.add_argument("folder", metavar="DIR", help="the folder that `convert` wrote")
    verify.add_argument("--weights", metavar="FILE", help="weights of an architecture-only MODEL")
    verify.add_argument("--custom", metavar="FILE", help="Python source of own classes, executed")
    verify.add_argument("--optimizer", metavar="O", help="as it was given to `convert`")
    verify.add_argument("--loss", metavar="L", help="the same")
    verify.add_argument("--metrics", metavar="M", nargs="+", help="the same")
    _add_translate(commands)
    inspect = _add(commands, "inspect", "show what is inside a model file, without converting it")
    inspect.add_argument("model", metavar="MODEL", help="any file: what it is not, is said too")
    inspect.add_argument("--weights", metavar="FILE", help="weights of an architecture-only MODEL")
    _add(commands, "layers", "list the Keras layers, and which of them are translated")
    return top


def _add(commands: Any, name: str, about: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about[0].upper() + about[1:] + "."
    )
    added.add_argument("--json", action="store_true", help="print the result as JSON")
    return added


def _add_convert(commands: Any) -> None:
    convert = _add(commands, "convert", "write a Keras model as a PyTorch program with its weights")
    add = convert.add_argument
    add(
        "model",
        metavar="MODEL",
        help=".keras, .h5, SavedModel, TensorFlow.js or JSON, by content",
    )
    add("-o", "--output", metavar="DIR", help="folder to write (default: MODEL's name + _torch)")
    about = "axes of image inputs and outputs: channels first (torch) or last (keras)"
    add("--layout", choices=LAYOUTS, default="torch", help=about)
    add("--weights", metavar="FILE", help="weights of an architecture-only MODEL")
    add("--custom", metavar="FILE", help="Python source of own classes; verification executes them")
    add("--optimizer", metavar="O", help='train with another: "Adam(1e-4, clipnorm=1.0)"')
    add("--loss", metavar="L", help='another loss: mse, "Huber(delta=2.0)", one or a list')
    add("--metrics", metavar="M", nargs="+", help="other metrics: accuracy \"AUC(curve='PR')\"")
    add("--callbacks", metavar="C", nargs="+", help='callbacks: "EarlyStopping(patience=3)"')
    about = "write the variant for inference alone, BatchNormalization in the weights; no train.py"
    add("--inference", action="store_true", help=about)
    add("--force", action="store_true", help="replace an earlier twin in DIR")
    add("--no-verify", action="store_true", help="do not compare with Keras afterwards")


def _add_translate(commands: Any) -> None:
    translate = _add(commands, "translate", "write a Keras program, or layers, as PyTorch")
    add = translate.add_argument
    about = "a Python file; only --check executes it"
    add("script", metavar="SCRIPT", help=about)
    about = "file to write (default: SCRIPT's name + _torch.py)"
    add("-o", "--output", metavar="OUT", help=about)
    add("--force", action="store_true", help="replace OUT where it exists")
    about = "run both, in Keras and in PyTorch, on the same small data, and compare"
    add("--check", action="store_true", help=about)
    about = 'check this layer of the file, made so: "MyLayer(8, rate=0.1)"; may be repeated'
    add("--layer", metavar="CALL", action="append", default=[], help=about)
    about = "check layers with an input of this shape, the batch first: 4,10,8 or int32:4,10"
    add("--input-shape", metavar="N,N", action="append", default=[], type=_shape, help=about)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    dtype, _, lengths = text.rpartition(":")
    numbers = [n.strip() for n in lengths.strip("()[], ").split(",")]
    if dtype not in ("", "float32", "int32", "int64") or not all(n.isdecimal() for n in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape such as 4,10,8 or int32:4,10")
    return dtype or "float32", tuple(map(int, numbers))


def _refused(error: TorchTwinError, *, as_json: bool) -> int:
    """Tell an error of ours: to people on stderr, to programs on stdout."""
    if not as_json:
        print(error.whole(), file=sys.stderr)
        return 1
    import json

    parts = error.refusals if isinstance(error, Refusals) else [error]
    told = {
        "status": "refused",
        "error": type(error).__name__,
        "refusals": [{"problem": e.problem, "at": e.where, "try": e.hint} for e in parts],
    }
    print(json.dumps(told, indent=2))
    return 1


def _bug(error: Exception) -> int:
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f"{trace.tb_frame.f_globals.get('__name__', '?')}, line {trace.tb_lineno}"
        trace = trace.tb_next
    print(f"internal error: {type(error).__name__}: {shortened(str(error), 400)}", file=sys.stderr)
    print(f"  at   {place}", file=sys.stderr)
    print("  try  run it again with TORCHTWIN_DEBUG=1, and report what it prints", file=sys.stderr)
    return 1


def _stop(*_: Any) -> None:
    """End as on Ctrl-C, so that what is half written is taken away."""
    raise SystemExit(143)
