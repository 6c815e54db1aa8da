"""What `torchtwin convert` tells: what each layer became, the counts, the files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torchtwin.emit.expressions import qualified
from torchtwin.emit.source import describe, shape_text
from torchtwin.expr import Binary, Call, Invoke, Item, Method, children
from torchtwin.graph import Graph
from torchtwin.program import Class, Statement, Submodule
from torchtwin.source import Array, Source, Tree

if TYPE_CHECKING:
    from torchtwin.twin import Twin

BOOKKEEPING = ("to", "long", "float", "double", "contiguous")


@dataclass(frozen=True)
class Row:
    """A line of the table. `depth` is 0 for layers of the model itself."""

    layer: str
    class_name: str
    became: str
    shape: str
    parameters: int
    depth: int


@dataclass(frozen=True)
class Counts:
    """How many numbers each side has.

    `constants` are PyTorch's alone, in the parameters or buffers that `names` lists; `spare` are
    Keras's alone: the states of random layers, or what became part of other weights.
    """

    keras: int
    pytorch: int
    constants: int
    spare: int
    names: tuple[str, ...]


def rows(twin: Twin) -> list[Row]:
    """Return a row for each layer, those of nested models below them."""
    sizes: Counter[str] = Counter()
    for p in twin.parameters:
        if p.array is not None:
            sizes[p.layer] += math.prod(p.shape)
    return list(_rows(twin.graph, twin.program, sizes, 0))


def _rows(graph: Graph, program: Class, sizes: Mapping[str, int], depth: int) -> Iterator[Row]:
    subs = {sub.layer: sub for sub in program.submodules}
    shapes = {a.value.rpartition("@")[0]: shape_text(a.shape) for a in program.inputs}
    inside = {fold.path: layer.name for layer in graph.layers.values() for fold in layer.folds}
    for layer in graph.layers.values():
        statements = [s for s in program.statements if s.layer == layer.path]
        made = next((s.shape for s in reversed(statements) if s.shape is not None), None)
        shape = shapes.get(layer.name, "") if made is None else shape_text(made)
        became = "argument" if layer.name in shapes else _became(statements, subs)
        became = f"in {inside[layer.path]}" if layer.path in inside else became
        size = sizes.get(layer.path, 0)
        sub = subs.get(layer.path)
        nested = sub.constructor if sub else None
        if layer.graph is not None and isinstance(nested, Class):
            inner = list(_rows(layer.graph, nested, sizes, depth + 1))
            total = sum(row.parameters for row in inner if row.depth == depth + 1)
            yield Row(layer.name, layer.class_name, became, shape, total, depth)
            yield from inner
        else:
            yield Row(layer.name, layer.class_name, became, shape, size, depth)


def _became(statements: list[Statement], subs: Mapping[str, Submodule]) -> str:
    """Return what a layer became: `nn.Linear → F.relu`."""
    modules = {sub.attribute: describe(sub.constructor) for sub in subs.values()}
    words = [word for s in statements for word in _words(s.expr, modules)]
    return " → ".join(dict.fromkeys(words)) or "nothing"


def _words(expr: Any, modules: Mapping[str, str]) -> Iterator[str]:
    for child in children(expr):
        yield from _words(child, modules)
    match expr:
        case Invoke():
            yield modules[expr.callee.attribute]
        case Call():
            yield qualified(expr.function)
        case Method() if expr.name not in BOOKKEEPING:
            yield expr.name
        case Binary():
            yield expr.symbol
        case Item():
            yield "[…]"


def counts(twin: Twin) -> Counts:
    """Count the numbers on both sides: equal, but for what the two say each for itself."""
    own = [p for p in twin.parameters if p.notation.constant]  # PyTorch's, or out of the config
    constants = sum(math.prod(p.shape) for p in own)
    filled = sum(math.prod(p.shape) for p in twin.parameters) - constants
    keras = sum(math.prod(a.shape) for a in arrays(twin.keras))
    names = sorted({p.name.rpartition(".")[2] for p in own})
    return Counts(keras, filled + constants, constants, keras - filled, tuple(names))


def arrays(source: Source) -> list[Array]:
    """Return the model's arrays, without the optimizer's."""
    if source.weights is None:
        return []
    if isinstance(source.weights, Tree):
        return list(source.weights.arrays.values())
    return [array for group in source.weights.groups.values() for array in group]
