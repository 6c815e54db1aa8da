"""Graph → Program: every call of a layer becomes a piece of PyTorch, checked by running it.

`apply` turns one call into its piece and finds the shapes of the results on the meta device;
the shape pass uses it before the layouts are known, `lower` after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from torchtwin.activations import activated
from torchtwin.errors import TorchTwinError, UnsupportedError
from torchtwin.evaluate import evaluate, instance, shapes_only
from torchtwin.graph import Graph, Layer, Layout, Node, Ref, Value
from torchtwin.names import identifiers
from torchtwin.notation import Notation
from torchtwin.program import (
    Argument,
    Class,
    Expr,
    Member,
    Statement,
    Submodule,
    Var,
)
from torchtwin.rule import LayerView, Piece, Tensor, rule_of

FREE_LENGTHS = ((2, 192), (3, 256))
"""(batch, other) lengths tried for free axes: lengths that differ between two runs are free.

Multiples of 64, so that a U-Net's halvings and doublings meet.
"""


@dataclass(frozen=True)
class Applied:
    """One call of a layer: its piece, its results as expressions, and what they are."""

    piece: Piece
    results: tuple[Any, ...]
    values: tuple[Value, ...]
    module: Any = None


def apply(
    graph: Graph, node: Node, *, module: Any = None, member: Member | None = None,
    nested: Class | None = None,
) -> Applied:  # fmt: skip
    """Apply the rule of a node's layer.

    `module` is the layer's module on the meta device, when an earlier call made it. Raises
    UnsupportedError, with the layer's path, for what the rule refuses or PyTorch cannot run.
    """
    layer = graph.layers[node.layer]
    try:
        view = view_of(graph, node, member)
        piece = _nested(view, nested) if nested else _piece(view, node)
        return _run(graph, node, view, piece, module)
    except TorchTwinError as error:
        raise _placed(error, layer) from error
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        problem = f"{layer.class_name} does not run: {str(error).splitlines()[0]}"
        raise UnsupportedError(problem, where=_where(layer)) from error


def _where(layer: Layer) -> str:
    return f"{layer.path} ({layer.class_name})"


def _placed(error: TorchTwinError, layer: Layer) -> TorchTwinError:
    if not error.where:
        error.where = _where(layer)
    return error


def view_of(graph: Graph, node: Node, member: Member | None = None) -> LayerView:
    """Return the view of a node's layer, with its arguments as tensors."""
    layer = graph.layers[node.layer]
    tensors = {name: tensor_of(graph.values[name]) for name in node.inputs}
    masks = [tensor_of(graph.values[m]) if m else None for m in node.masks]
    return LayerView(
        layer.class_name, layer.config, [tensors[n] for n in node.inputs],
        args=_with_tensors(node.args, tensors), kwargs=_with_tensors(dict(node.kwargs), tensors),
        masks=masks, module=member, version=graph.version, flattened=node.flattened,
    )  # fmt: skip


def tensor_of(value: Value) -> Tensor:
    if value.shape is None:
        raise UnsupportedError("it follows a layer that is not translated")
    return Tensor(Var(value.name), value.shape, value.dtype, value.layout)


def _with_tensors(structure: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(structure, Ref):
        return tensors[structure.value]
    if isinstance(structure, dict):
        return {k: _with_tensors(v, tensors) for k, v in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(_with_tensors(v, tensors) for v in structure)
    return structure


def piece_of(view: LayerView) -> Piece:
    """Return what the rule of a view's class makes of it, its activation applied.

    Raises UnsupportedError when an argument away from its default was not read.
    """
    piece = rule_of(view.class_name).function(view)
    if unread := view.unread():
        named = ", ".join(f"{n}={view.config[n]!r}" if n in view.config else n for n in unread)
        raise UnsupportedError(
            f"{view.class_name}({named}) is not translated",
            hint="change the argument in Keras, if it can be done without changing the model",
        )
    expr = view.module(*(t.expr for t in view.inputs)) if piece.expr is None else piece.expr
    if piece.activation is not None:
        expr = activated(piece.activation, expr, view.input.axis(-1))
    return replace(piece, expr=expr, activation=None)


def _piece(view: LayerView, node: Node) -> Piece:
    if node.kind == "permute":
        return Piece(permuted(view.input, node.layout), layout=node.layout)
    if node.kind == "mask":
        return Piece(rule_of(view.class_name).mask(view), layout=None)
    return piece_of(view)


def permuted(tensor: Tensor, layout: Layout | None) -> Expr:
    """Return a tensor in another layout."""
    now = tensor.layout or tuple(range(tensor.rank))
    wanted = layout or tuple(range(tensor.rank))
    order = tuple(now.index(axis) for axis in wanted)
    moved = [k for k, axis in enumerate(order) if k != axis]
    if len(moved) == 2:
        return tensor.expr.transpose(*moved)
    return tensor.expr.permute(*order)


def _nested(view: LayerView, program: Class) -> Piece:
    results = view.module(*(t.expr for t in view.inputs))
    if len(program.outputs) > 1:
        results = tuple(results[k] for k in range(len(program.outputs)))
    layouts = tuple(o.layout for o in program.outputs)
    return Piece(results, module=program, layout=layouts if len(layouts) > 1 else layouts[0])


def _run(graph: Graph, node: Node, view: LayerView, piece: Piece, module: Any) -> Applied:
    if piece.module is not None and module is None:
        module = instance(piece.module)
    modules = {view.module.attribute: module}
    results = piece.expr if isinstance(piece.expr, tuple) else (piece.expr,)
    runs = []
    for free in FREE_LENGTHS:
        needed = {*node.inputs, *(m for m in node.masks if m)}
        values = {name: stand_in(graph.values[name], free) for name in needed}
        with shapes_only():
            runs.append([evaluate(r, values, modules) for r in results])
    if len(node.outputs) > len(results):
        raise UnsupportedError(
            f"{view.class_name} gives {len(results)} results, {len(node.outputs)} are used"
        )
    layouts = _layouts(view, piece, [r.dim() for r in runs[0]])
    values = tuple(
        _value(f"{node.name}:{k}" if node.kind == "call" else node.outputs[k], a, b, layout)
        for k, (a, b, layout) in enumerate(zip(*runs, layouts, strict=True))
    )
    return Applied(piece, results, values, module)


def _layouts(view: LayerView, piece: Piece, ranks: Sequence[int]) -> list[Layout | None]:
    if piece.layout is not ...:
        several = isinstance(piece.layout, tuple) and len(ranks) > 1
        return list(piece.layout) if several else [piece.layout] * len(ranks)
    given = view.inputs[0] if view.inputs else None
    return [given.layout if given and rank == given.rank else None for rank in ranks]


def stand_in(value: Value, free: tuple[int, int]) -> torch.Tensor:
    """Return a tensor on the meta device with a value's physical shape and dtype."""
    if value.shape is None:
        raise UnsupportedError("it follows a layer that is not translated")
    lengths = [
        free[0 if k == 0 else 1] if length is None else length
        for k, length in enumerate(value.shape)
    ]
    physical = [lengths[k] for k in value.layout or range(len(lengths))]
    return torch.empty(physical, dtype=torch_dtype(value.dtype), device="meta")


def torch_dtype(name: str) -> torch.dtype:
    """Return torch's dtype of this Keras name; strings and unknown names are refused."""
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise UnsupportedError(f"the dtype {name} is not translated")
    return dtype


def _value(name: str, a: torch.Tensor, b: torch.Tensor, layout: Layout | None) -> Value:
    physical = [x if x == y else None for x, y in zip(a.shape, b.shape, strict=True)]
    shape = list(physical)
    if layout is not None:
        for k, axis in enumerate(layout):
            shape[axis] = physical[k]
    return Value(name, tuple(shape), str(a.dtype).removeprefix("torch."), layout)


def lower(graph: Graph) -> Class:
    """Return the program of a graph whose shapes, masks and layouts the passes have found."""
    return _Lowering(graph).result()


class _Lowering:
    """Collects the submodules and statements of one model."""

    def __init__(self, graph: Graph, taken: Sequence[str] = ()) -> None:
        self.graph = graph
        self.attributes = identifiers(graph.layers, nn.Module)
        self.modules: dict[str, Any] = {}
        self.submodules: dict[str, Submodule] = {}
        self.statements: list[Statement] = []
        self.programs: dict[str, Class] = {}

    def result(self) -> Class:
        for node in self.graph.nodes:
            self._statement(node)
        graph = self.graph
        class_name, doc = class_name_of(graph.name), f"The Keras model `{graph.name}`."
        inputs = tuple(self._argument(v) for v in graph.inputs)
        outputs = tuple(self._argument(v) for v in graph.outputs)
        submodules = tuple(self.submodules.values())
        return Class(class_name, doc, submodules, inputs, tuple(self.statements), outputs)

    def _argument(self, name: str) -> Argument:
        value = self.graph.values[name]
        layer = name.partition("@")[0]
        return Argument(name, self.attributes[layer], physical(value), value.dtype, value.layout)

    def _statement(self, node: Node) -> None:
        layer = self.graph.layers[node.layer]
        member = Member(self.attributes[node.layer])
        nested = self._nested(layer) if node.kind == "call" and layer.graph else None
        known = self.modules.get(node.layer)
        applied = apply(self.graph, node, module=known, member=member, nested=nested)
        if node.kind == "call" and applied.piece.module is not None:
            self._submodule(layer, member, applied)
        for name, expr in zip(node.outputs, applied.results, strict=False):
            value = self.graph.values[name]
            shape = physical(value)
            self.statements.append(Statement(name, expr, layer.path, shape, value.layout))

    def _nested(self, layer: Layer) -> Class:
        assert layer.graph is not None
        if layer.name not in self.programs:
            self.programs[layer.name] = lower(layer.graph)
        return self.programs[layer.name]

    def _submodule(self, layer: Layer, member: Member, applied: Applied) -> None:
        if layer.name in self.modules:
            return
        self.modules[layer.name] = applied.module
        piece, weights = applied.piece, applied.piece.notations()
        if isinstance(applied.module, nn.Module):
            weights = complete(weights, applied.module, _where(layer))
        frozen = tuple(piece.frozen) if layer.trainable else ("",)
        self.submodules[layer.name] = Submodule(
            member.attribute, piece.module, layer.path, layer.class_name, weights, frozen,
            piece.comment, tuple(piece.untrained),
        )  # fmt: skip


def complete(
    weights: Mapping[str, Notation], module: nn.Module, where: str
) -> dict[str, Notation]:
    """Return `weights` when every parameter of the module is filled; the counter of batches,
    which Keras does not keep, starts at zero."""
    state = module.state_dict()
    result = dict(weights)
    for name in state:
        if name.rpartition(".")[2] == "num_batches_tracked":
            result.setdefault(name, Notation("zeros"))
    if missing := [n for n in state if n not in result]:
        raise UnsupportedError(f"no Keras variable fills {', '.join(missing)}", where=where)
    if extra := [n for n in result if n not in state]:
        raise UnsupportedError(f"nothing in PyTorch takes {', '.join(extra)}", where=where)
    return result


def physical(value: Value) -> tuple[int | None, ...]:
    """Return a value's shape in the order in which PyTorch holds its axes."""
    assert value.shape is not None
    return tuple(value.shape[k] for k in value.layout or range(len(value.shape)))


def class_name_of(name: str) -> str:
    """Return a class name for a model: `my-u_net` becomes `MyUNet`."""
    words = [w for w in "".join(c if c.isascii() and c.isalnum() else " " for c in name).split()]
    camel = "".join(w[:1].upper() + w[1:] for w in words)
    return camel if camel[:1].isalpha() else f"Model{camel}"
