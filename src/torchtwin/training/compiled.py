"""The structures of `compile`: which loss and which metrics belong to which output.

The rules are those of keras/src/trainers/compile_utils.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError


@dataclass(frozen=True)
class Wanted:
    """What one output is trained for: entries of its loss and its metrics."""

    loss: Any = None
    weight: float | None = None
    metrics: tuple[Any, ...] = ()
    weighted: tuple[Any, ...] = ()


def by_output(compiled: Mapping[str, Any], names: Sequence[str], version: str) -> list[Wanted]:
    """Return what each output is trained for; `names` are the outputs' names in Keras.

    Raises UnsupportedError for structures that do not fit the outputs.
    """
    losses = _losses(compiled.get("loss"), names)
    weights = _spread(compiled.get("loss_weights"), names, "loss_weights")
    metrics = _metrics(compiled.get("metrics"), names, "metrics", version)
    weighted = _metrics(compiled.get("weighted_metrics"), names, "weighted_metrics", version)
    if any(isinstance(b, bool) or not isinstance(b, int | float | None) for b in weights):
        raise UnsupportedError("a weight of a loss that is no number")
    parts = zip(losses, weights, metrics, weighted, strict=True)
    return [Wanted(a, None if b is None else float(b), tuple(c), tuple(d)) for a, b, c, d in parts]


def is_entry(value: Any) -> bool:
    """Tell an entry from a structure of them."""
    return isinstance(value, str) or (
        isinstance(value, Mapping) and "class_name" in value and "config" in value
    )


def identifier_of(entry: Any) -> str:
    """Return what an entry calls a loss or a metric: its class, or the function's name."""
    if not isinstance(entry, Mapping):
        return str(entry or "")
    return str(entry["config"] if entry.get("class_name") == "function" else entry["class_name"])


def _losses(value: Any, names: Sequence[str]) -> list[Any]:
    if value is None or is_entry(value):
        return [value] * len(names)  # one loss serves every output
    return _spread(value, names, "loss")


def _spread(value: Any, names: Sequence[str], what: str) -> list[Any]:
    """Return one element for each output, of a list or a dict."""
    if value is None:
        return [None] * len(names)
    if isinstance(value, int | float) and len(names) == 1:
        return [value]
    if isinstance(value, Mapping) and set(value) <= set(names):
        return [value.get(name) for name in names]
    if isinstance(value, list | tuple) and len(value) == len(names):
        return list(value)
    raise UnsupportedError(
        f"{what} does not fit the outputs {', '.join(names)}", hint="give one for each output"
    )


def _metrics(value: Any, names: Sequence[str], what: str, version: str) -> list[list[Any]]:
    if not value:
        return [[] for _ in names]
    if is_entry(value):
        value = [value]
    if len(names) == 1:
        return [list(_flat(value))]
    flat = isinstance(value, list | tuple) and all(map(is_entry, value))
    if flat and version[:1] in ("1", "2"):
        return [list(value) for _ in names]  # until Keras 3, a flat list was for every output
    return [[] if m is None else list(_flat(m)) for m in _spread(value, names, what)]


def _flat(value: Any) -> Iterator[Any]:
    if value is None:
        return
    if is_entry(value):
        yield value
    elif isinstance(value, Mapping):
        yield from (e for v in value.values() for e in _flat(v))
    elif isinstance(value, list | tuple):
        yield from (e for v in value for e in _flat(v))
    else:
        raise UnsupportedError(f"{value!r} is no metric")


def unique_names(made: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Return the names under which Keras logs metrics, of (output or "", name, weighted).

    Equal names get `_1`, `_2`; a weighted metric of a name that is taken is `weighted_<name>`.
    """
    counts: dict[str, int] = {}
    result = []
    for output, name, weighted in made:
        before = f"{output}_" if output else ""
        wish = f"{before}{name}"
        if wish in counts and weighted:
            wish = f"{before}weighted_{name}"
        count = counts.get(wish, 0)
        counts[wish] = count + 1
        result.append(f"{wish}_{count}" if count else wish)
    return result
