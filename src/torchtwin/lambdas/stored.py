"""Finds the function of a Lambda in a layer's config: every Keras stored it in another way."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torchtwin.bytecode.decompile import Decompiled, decompile
from torchtwin.errors import UnreadableModel, UnsupportedError

LONGEST = 1 << 19
"""Characters of code; the reader of bytecode takes less."""


@dataclass(frozen=True)
class Stored:
    """A function, the values of its last arguments, and those of the names around it."""

    function: Decompiled
    defaults: tuple[Any, ...]
    closure: Mapping[str, Any]


@dataclass(frozen=True)
class Named:
    """A function that the file only names, and the module that it says it is from."""

    name: str
    module: str


def stored(config: Mapping[str, Any]) -> Stored | Named:
    """Return the function of a Lambda's config.

    Keras 3 writes {"class_name": "__lambda__", "config": {"code", "defaults", "closure"}}, those
    before it [code, defaults, closure], all three with code in base64; Keras 1 and 2.0 wrote it
    as text. A function that is no lambda may be there by its name alone.
    """
    given, kind = config.get("function"), config.get("function_type")
    if isinstance(given, Mapping):
        inner = given.get("config")
        if given.get("class_name") == "__lambda__" and isinstance(inner, Mapping):
            return _function(inner.get("code"), inner.get("defaults"), inner.get("closure"))
        name = str(inner if isinstance(inner, str) else given.get("registered_name"))
        return Named(name, str(given.get("module") or ""))
    if isinstance(given, list | tuple) and len(given) == 3:
        return _function(*given)
    if isinstance(given, str) and kind in ("lambda", None) and not given.isidentifier():
        return _function(given, None, None)
    if isinstance(given, str):
        return Named(given, str(config.get("module") or ""))
    raise UnreadableModel("a Lambda without a function")


def _function(code: Any, defaults: Any, closure: Any) -> Stored:
    function = decompile(_bytes(code))
    values = [_plain(value) for value in defaults or ()]
    if len(values) > len(function.arguments.args):
        raise UnreadableModel("a Lambda with more defaults than arguments")
    around = [_plain(value) for value in closure or ()]
    if len(around) != len(function.free):
        raise UnreadableModel("a Lambda whose closure does not fit its code")
    return Stored(function, tuple(values), dict(zip(function.free, around, strict=True)))


def _bytes(code: Any) -> bytes:
    if not isinstance(code, str) or len(code) > LONGEST:
        raise UnreadableModel("a Lambda whose code is no text")
    try:
        return base64.b64decode(re.sub(r"\s", "", code), validate=True)
    except (binascii.Error, ValueError):
        pass
    try:
        return code.encode("raw_unicode_escape")  # what Keras 1 and 2.0 wrote
    except UnicodeEncodeError as error:
        raise UnreadableModel("a Lambda whose code is no text") from error


def _plain(value: Any) -> Any:
    """Return a value as it stands in JSON; Keras 3 writes tuples as entries of their own."""
    if isinstance(value, Mapping) and value.get("class_name") == "__tuple__":
        return tuple(_plain(v) for v in value.get("items", ()))
    if isinstance(value, Mapping) and "class_name" in value:
        raise UnsupportedError(f"a Lambda that holds a {value['class_name']} is not translated")
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


plain = _plain
