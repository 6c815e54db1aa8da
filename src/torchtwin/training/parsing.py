"""Reads what people give for an optimizer, a loss, a metric or a callback.

An entry is an identifier as Keras takes it ("mse"), {"class_name": ..., "config": ...}, None, or
lists and dicts of these. It comes from a text on the command line (`parsed`), of which nothing is
executed, or from Python (`entry_of`).
"""

from __future__ import annotations

import ast
import difflib
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torchtwin.errors import UnsupportedError, shortened

WORDS = {"true": True, "false": False, "null": None, "inf": float("inf"), "nan": float("nan")}
"""Bare names that stand for values, as people know them from JSON and numpy."""
LONGEST = 10_000
EXAMPLE = 'write it as in Python: mse, or Adam(learning_rate=1e-4, name="fast"), or as JSON'
HOMES = ("keras", "tf_keras", "tensorflow")
RENAMED = {
    "separator": "sep", "initial_value_threshold": "best", "profile_batch": "_start_batch"
}  # fmt: skip
"""Attributes of callbacks that are named other than the argument they come from."""


@functools.cache
def signatures() -> dict[str, dict[str, list[str]]]:
    """Return the arguments of every class by kind; scripts/make_signatures writes them."""
    text = (Path(__file__).parent / "signatures.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, list[str]]] = json.loads(text)
    return loaded


def parsed(text: str, kind: str = "") -> Any:
    """Return the entry that a text such as `SGD(ExponentialDecay(0.1, 100, 0.9))` stands for.

    `kind` is "losses", "metrics", "optimizers" or "callbacks", to tell classes of one name apart.
    Raises UnsupportedError for what is no literal, name or call of a class, and for arguments
    that a class of Keras does not have.
    """
    if len(text) > LONGEST:
        raise UnsupportedError(f"{text} is too long", hint=EXAMPLE)
    if text.lstrip()[:1] in ("{", "[", '"'):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass  # a list or dict as in Python
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _Reader(text, kind).entry(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UnsupportedError(f"{text} cannot be read", hint=EXAMPLE) from None


class _Reader:
    """Turns the syntax of one text into an entry."""

    def __init__(self, text: str, kind: str) -> None:
        self.text, self.kind = text, kind

    def entry(self, node: ast.expr) -> Any:
        """Read what may be an identifier, or a structure of entries."""
        match node:
            case ast.Name(id=name) if name not in WORDS:
                return name
            case ast.Attribute():
                return self._name(node)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [self.entry(part) for part in parts]
            case ast.Dict(keys=keys, values=values):
                return {self._key(k): self.entry(v) for k, v in zip(keys, values, strict=True)}
        return self.value(node)

    def value(self, node: ast.expr) -> Any:
        """Read the value of an argument."""
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None):
                return node.value
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                number = self.value(operand)
                if isinstance(number, int | float):
                    return -number if isinstance(node.op, ast.USub) else number
            case ast.Name(id=name) if name in WORDS:
                return WORDS[name]
            case ast.Name(id=name):
                raise UnsupportedError(f"{name} in {self.text} is no value", hint="quote a string")
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [self.value(part) for part in parts]
            case ast.Dict(keys=keys, values=values):
                return {self._key(k): self.value(v) for k, v in zip(keys, values, strict=True)}
            case ast.Call():
                return self._call(node)
        raise UnsupportedError(
            f"{ast.unparse(node)} in {self.text} is neither a literal nor a call of a class",
            hint=EXAMPLE,
        )

    def _key(self, node: ast.expr | None) -> Any:
        key = None if node is None else self.value(node)
        if not isinstance(key, str | int | float):
            raise UnsupportedError(f"{self.text} has a key that is no string or number")
        return key

    def _name(self, node: ast.expr) -> str:
        """Return the last part of `keras.losses.Huber` or of a bare name."""
        words = ast.unparse(node).split(".")
        plain = all(word.isidentifier() for word in words)
        if not plain or (len(words) > 1 and words[0] not in ("keras", "tf", "tf_keras", *KINDS)):
            raise UnsupportedError(f"{'.'.join(words)} is not a name of Keras", hint=EXAMPLE)
        return words[-1]

    def _call(self, node: ast.Call) -> dict[str, Any]:
        name = self._name(node.func)
        given = [self.value(argument) for argument in node.args]
        named = [(word.arg, self.value(word.value)) for word in node.keywords]
        return {"class_name": name, "config": bound(name, given, named, self.kind)}


KINDS = ("callbacks", "losses", "metrics", "optimizers", "schedules")


def arguments_of(name: str, kind: str = "") -> list[str] | None:
    """Return the names of a class's arguments, None when it is not Keras's."""
    kinds = sorted(signatures(), key=lambda k: k != kind)
    return next((signatures()[k][name] for k in kinds if name in signatures()[k]), None)


def bound(
    name: str, given: Sequence[Any], named: Sequence[tuple[str | None, Any]], kind: str = ""
) -> dict[str, Any]:
    """Return the config of a call, its arguments checked against the class's signature."""
    known = arguments_of(name, kind)
    if known is None:
        close = difflib.get_close_matches(name, [n for k in signatures().values() for n in k])
        hint = f"did you mean {close[0]}?" if close else "torchtwin knows the classes of Keras"
        raise UnsupportedError(f"{name} is not a class of Keras's {kind or 'training'}", hint=hint)
    places = [argument for argument in known if argument != "**"]
    if len(given) > len(places):
        raise UnsupportedError(f"{name} takes {len(places)} arguments, not {len(given)}")
    config: dict[str, Any] = dict(zip(places, given, strict=False))
    for argument, value in named:
        if argument is None:
            raise UnsupportedError(f"{name}(**...) cannot be read", hint="name the arguments")
        if argument in config:
            raise UnsupportedError(f"{name} has two values for {argument}")
        if argument not in places and "**" not in known:
            raise UnsupportedError(
                f"{name} has no argument {argument!r}", hint=f"it has {', '.join(places)}"
            )
        config[argument] = value
    return config


def entry_of(value: Any) -> Any:
    """Return the entry of an object of Keras, or of a list or dict of them; entries stay.

    Keras is not imported: an object of it tells its class and its config itself. A Python
    function of one's own, or a class of one's own, is an UnsupportedError.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {key: entry_of(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [entry_of(part) for part in value]
    if hasattr(value, "tolist"):  # a number or an array of numpy
        return value.tolist()
    own = value if callable(value) and hasattr(value, "__name__") else type(value)
    name = str(own.__name__)
    if str(own.__module__).split(".")[0] not in HOMES:
        raise UnsupportedError(
            f"{shortened(name)} is not part of Keras, and own code cannot be read",
            hint="leave it out, and add its PyTorch to train.py by hand",
        )
    if own is value:
        return name  # a function, or a class with its defaults
    return {"class_name": name, "config": entry_of(_config(value, name))}


def _config(value: Any, name: str) -> Mapping[str, Any]:
    """Return the arguments of an object of Keras.

    Some classes leave arguments out of their config in Keras 3.15: Huber its `delta`, others
    their `axis`, every loss its `dtype`. Those are taken from the object.
    """
    if hasattr(value, "get_config"):
        config = dict(value.get_config())
        hidden = dict(getattr(value, "_fn_kwargs", {}))
        if getattr(value, "dtype", "float32") != "float32":
            hidden["dtype"] = value.dtype
        known = arguments_of(name) or []
        return {**{k: v for k, v in hidden.items() if k in known}, **config}
    arguments = signatures()["callbacks"].get(name)
    if arguments is None or type(value).__module__.split(".")[0] != "keras":
        raise UnsupportedError(f"{name} does not tell its arguments", hint="give it as a text")
    return {a: getattr(value, RENAMED.get(a, a)) for a in arguments if a != "**"}
