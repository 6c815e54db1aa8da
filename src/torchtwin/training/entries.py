"""Reads a serialised object of a compile config, and refuses what nobody read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torchtwin.errors import UnsupportedError

MISSING: Any = object()


class Entry:
    """`{"class_name", "config"}`: `take` notes what was read, `finish` refuses the rest."""

    def __init__(self, class_name: str, config: Mapping[str, Any], what: str) -> None:
        self.class_name, self.what = class_name, what
        self._config, self._read = config, set[str]()

    @classmethod
    def of(cls, entry: Any, what: str) -> Entry:
        """Return the entry of an identifier: a name, or class and config."""
        if isinstance(entry, str):
            return cls(entry, {}, what)
        config = entry.get("config") if isinstance(entry, Mapping) else None
        if not isinstance(config, Mapping) or not isinstance(entry.get("class_name"), str):
            raise UnsupportedError(f"{what} is {entry!r}, which says no class of Keras's")
        registered = entry.get("registered_name")
        if isinstance(registered, str) and ">" in registered:
            raise UnsupportedError(f"{what} is {registered}, a class that is not Keras's")
        return cls(entry["class_name"], config, what)

    def take(self, key: str, default: Any = MISSING) -> Any:
        """Return an argument, or Keras's default where the config leaves it out."""
        self._read.add(key)
        if key not in self._config and default is MISSING:
            raise UnsupportedError(f"{self.class_name} has no {key}", where=self.what)
        return self._config.get(key, default)

    def number(self, key: str, default: Any = MISSING) -> Any:
        """Return an argument that must be a number."""
        value = self.take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnsupportedError(f"{key}={value!r} in {self.class_name}", where=self.what)
        return value

    def maybe(self, key: str) -> Any:
        """Return an argument that must be a number or None."""
        return None if self.take(key, None) is None else self.number(key)

    def numbers(self, key: str) -> list[Any]:
        """Return an argument that must be a list of numbers."""
        values = self.take(key)
        if not isinstance(values, list | tuple) or not all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in values
        ):
            raise UnsupportedError(f"{key}={values!r} in {self.class_name}", where=self.what)
        return list(values)

    def flag(self, key: str, default: bool = False) -> bool:
        """Return an argument that must be True or False."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise UnsupportedError(f"{key}={value!r} in {self.class_name}", where=self.what)
        return value

    def finish(self, ignored: Iterable[str] = ()) -> None:
        """Refuse the arguments that nobody read."""
        left = {k for k, v in self._config.items() if v is not None} - self._read - {*ignored}
        if left:
            raise UnsupportedError(
                f"{self.class_name} has the argument {', '.join(sorted(left))}, which is not known",
                where=self.what,
            )


def short(value: float) -> float:
    """Return 0.001 for 0.0010000000474974513: what a person wrote, if float32 was in between."""
    import numpy as np

    if not isinstance(value, float) or float(np.float32(value)) != value:
        return float(value)
    return float(str(np.float32(value)))
