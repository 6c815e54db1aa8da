"""What is inside a model file, as far as it can be told, without converting it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchtwin.errors import Refusals, TorchTwinError
from torchtwin.graph import Graph
from torchtwin.source import Source


@dataclass(frozen=True)
class LayerFacts:
    """A layer as `torchtwin inspect` shows it; `parameters` is None where it is not known."""

    name: str
    class_name: str
    shape: tuple[int | None, ...] | None
    parameters: int | None
    depth: int


@dataclass
class Inspection:
    """What a file holds. `refusals` is all that stands against its translation."""

    format: str
    version: str
    model_class: str
    name: str
    layers: list[LayerFacts] = field(default_factory=list)
    numbers: int = 0
    bytes: int = 0
    dtypes: list[str] = field(default_factory=list)
    compile: Mapping[str, Any] | None = None
    optimizer: int = 0
    refusals: list[TorchTwinError] = field(default_factory=list)


def inspect_model(path: str | Path, weights: str | Path | None = None) -> Inspection:
    """Read a model file and try the way to its twin. Raises UnreadableModel for other files."""
    from torchtwin.readers import read
    from torchtwin.upgrade import upgraded

    source = read(path, weights=weights)
    found = _facts(source)
    try:
        source = upgraded(source)
        found.compile = source.compile
        _translate(source, found)
    except TorchTwinError as error:
        found.refusals += listed(error)
    if not found.layers:
        found.layers = list(_config_layers(source.config, 0))
    return found


def _facts(source: Source) -> Inspection:
    from torchtwin.emit.weights import CODES
    from torchtwin.summary import arrays

    config = source.config.get("config")
    stored = arrays(source)
    sizes = [math.prod(a.shape) for a in stored]
    return Inspection(
        format=source.format,
        version=source.version,
        model_class=str(source.config.get("class_name", "")),
        name=str(config.get("name", "")) if isinstance(config, Mapping) else "",
        numbers=sum(sizes),
        bytes=sum(n * CODES.get(a.dtype, ("", 1))[1] for a, n in zip(stored, sizes, strict=True)),
        dtypes=sorted({a.dtype for a in stored}),
        compile=source.compile,
        optimizer=len(source.optimizer),
    )


def _translate(source: Source, found: Inspection) -> None:
    """Go the way of `convert` as far as it leads, and keep what is learnt."""
    from torchtwin.build import build
    from torchtwin.lower import lower
    from torchtwin.passes import run_passes
    from torchtwin.passes.shapes import with_shapes
    from torchtwin.weights import parameters

    graph = build(source)
    shaped, refusals = with_shapes(graph)
    found.layers = list(_graph_layers(shaped, None, 0))
    if refusals:
        found.refusals += [r for refusal in refusals for r in listed(refusal)]
        return
    graph = run_passes(graph, "torch")
    program = lower(graph)
    if source.weights is None:
        return
    sizes: Counter[str] = Counter()
    for p in parameters(program, graph, source):
        if p.array is not None:
            sizes[p.layer] += math.prod(p.shape)
    found.layers = list(_graph_layers(shaped, sizes, 0))


def _graph_layers(
    graph: Graph, sizes: Mapping[str, int] | None, depth: int
) -> Iterator[LayerFacts]:
    shapes = {}
    for node in graph.nodes:
        shapes[node.layer] = graph.values[node.outputs[0]].shape
    for name in graph.inputs:
        shapes[name.rpartition("@")[0]] = graph.values[name].shape
    for layer in graph.layers.values():
        size = None
        if sizes is not None:
            below = [n for p, n in sizes.items() if (p + "/").startswith(layer.path + "/")]
            size = sum(below)
        yield LayerFacts(layer.name, layer.class_name, shapes.get(layer.name), size, depth)
        if layer.graph is not None:
            yield from _graph_layers(layer.graph, sizes, depth + 1)


def _config_layers(config: Mapping[str, Any], depth: int) -> Iterator[LayerFacts]:
    """Yield the layers that a config lists, when nothing more can be made of it."""
    inner = config.get("config")
    entries = inner.get("layers") if isinstance(inner, Mapping) else inner
    for entry in entries if isinstance(entries, list) and depth < 40 else []:
        if not isinstance(entry, Mapping):
            continue
        own = entry.get("config")
        name = entry.get("name") or (own.get("name") if isinstance(own, Mapping) else "")
        yield LayerFacts(str(name or ""), str(entry.get("class_name", "")), None, None, depth)
        yield from _config_layers(entry, depth + 1)


def listed(error: TorchTwinError) -> list[TorchTwinError]:
    """Return the single refusals of an error that may hold several."""
    return list(error.refusals) if isinstance(error, Refusals) else [error]


def compiled_with(compiled: Mapping[str, Any]) -> list[str]:
    """Return what `compile` was given, a phrase for each part that says something."""
    phrases = {key: phrase(compiled.get(key)) for key in ("optimizer", "loss", "metrics")}
    return [f"{key} {text}" for key, text in phrases.items() if text]


def phrase(value: Any) -> str:
    """Return one part of a compile config in a few words: Adam(learning_rate=0.001)."""
    match value:
        case {"class_name": str(name), "config": Mapping() as config}:
            if "fn" in config or set(config) <= {"name", "dtype"}:
                return name
            rate = config.get("learning_rate", config.get("lr"))
            return name if rate is None else f"{name}(learning_rate={phrase(rate)})"
        case {"class_name": str(name)}:
            return name
        case Mapping():
            return ", ".join(f"{k}: {phrase(v)}" for k, v in value.items())
        case list() | tuple():
            return ", ".join(text for v in value if (text := phrase(v)))
        case None:
            return ""
        case float():
            return f"{value:.6g}"
    return str(value)
