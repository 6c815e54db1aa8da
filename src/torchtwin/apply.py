"""One call of a layer becomes a piece of PyTorch, checked by running it on the meta device.

The passes use it to find shapes and layouts, `lower` to write the program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from torchtwin.activations import activated
from torchtwin.emit.helpers import is_own
from torchtwin.errors import TorchTwinError, UnsupportedError
from torchtwin.evaluate import evaluate, instance, shapes_only
from torchtwin.expr import Expr, Member, Var, unpack, walk
from torchtwin.graph import Graph, Layer, Layout, Node, Ref, Value, meeting
from torchtwin.notation import CONSTANTS, Notation, flattened_sides
from torchtwin.precision import cast, constructed, policy_of
from torchtwin.program import Class
from torchtwin.recurrent import as_mask, every_step, masked_elsewhere
from torchtwin.remembered import remembered
from torchtwin.rule import Piece, rule_of
from torchtwin.view import LayerView, Tensor, told

LONGEST = 4096
"""No operation fits one size of batch alone that is longer."""

FREE_LENGTHS = ((2, 192), (3, 256))
"""(batch, other) lengths tried for free axes: lengths that differ between two runs are free.

Multiples of 64, so that a U-Net's halvings and doublings meet.
"""

BY_FEATURE = ("BatchNormalization", "LayerNormalization", "RMSNormalization")
"""Layers that have a number for each feature, and take features in any order."""


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
        problem, text = told(layer.class_name, layer.config), str(error).partition("\n")[0]
        raise UnsupportedError(f"{problem} does not run: {text}", where=where(layer)) from error


def where(layer: Layer) -> str:
    return f"{layer.path} ({layer.class_name})"


def _placed(error: TorchTwinError, layer: Layer) -> TorchTwinError:
    if not error.where:
        error.where = where(layer)
    return error


def view_of(graph: Graph, node: Node, member: Member | None = None) -> LayerView:
    """Return the view of a node's layer, with its arguments as tensors."""
    layer = graph.layers[node.layer]
    policy = policy_of(layer) if layer.graph is None and node.kind == "call" else None
    tensors = {name: cast(tensor_of(graph.values[name]), policy, layer) for name in node.inputs}
    masks = [as_mask(tensor_of(graph.values[m])) if m else None for m in node.masks]
    if not masks and masked_elsewhere(graph, node):
        masks = [every_step(tensors[node.inputs[0]])]
    return LayerView(
        layer.class_name, layer.config, [tensors[n] for n in node.inputs],
        args=_with_tensors(node.args, tensors), kwargs=_with_tensors(dict(node.kwargs), tensors),
        masks=masks, module=member, version=graph.version, flattened=node.flattened,
        used=frozenset(int(name.rpartition(":")[2]) for name in node.used),
        spread=node.spread,
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
    refuse_unread(view)
    expr = view.module(*(t.expr for t in view.inputs)) if piece.expr is None else piece.expr
    if piece.activation is not None:
        expr = activated(piece.activation, expr, view.input.axis(-1))
    return replace(piece, expr=expr, activation=None, weights=_reordered(view, piece))


def _reordered(view: LayerView, piece: Piece) -> Mapping[str, Any]:
    """Return the notations; vectors lie as the features that they belong to."""
    if view.flattened is None or view.class_name not in BY_FEATURE:
        return piece.weights
    before, after, sizes = flattened_sides(*view.flattened)
    return {
        name: Notation(f"{n}: {before} -> {after}", sizes) if str(n) not in CONSTANTS else n
        for name, n in piece.weights.items()
    }


def refuse_unread(view: LayerView) -> None:
    """Raise UnsupportedError when an argument away from its default was not read."""
    if unread := view.unread():
        named = ", ".join(f"{n}={view.config[n]!r}" if n in view.config else n for n in unread)
        raise UnsupportedError(
            f"{view.class_name}({named}) is not translated",
            hint="change the argument in Keras, if it can be done without changing the model",
        )


def _piece(view: LayerView, node: Node) -> Piece:
    if node.kind == "permute":
        return Piece(permuted(view.input, node.layout), layout=node.layout)
    if node.kind == "mask":
        made = rule_of(view.class_name).mask(view)
        return made if isinstance(made, Piece) else Piece(made, layout=None)
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
    results: Any = view.module(*(t.expr for t in view.inputs))
    if len(program.outputs) > 1:
        results = unpack(results, *(o.name for o in program.outputs))
    layouts = tuple(o.layout for o in program.outputs)
    return Piece(results, module=program, layout=layouts if len(layouts) > 1 else layouts[0])


def _run(graph: Graph, node: Node, view: LayerView, piece: Piece, module: Any) -> Applied:
    if piece.module is not None and node.kind == "call" and not isinstance(piece.module, Class):
        made = instance(piece.module) if module is None else module
        policy = policy_of(graph.layers[node.layer])
        holds = isinstance(made, nn.Module) and bool(made.state_dict())
        piece = replace(piece, module=constructed(piece.module, policy, holds=holds))
    if piece.module is not None and module is None:
        module = instance(piece.module)
    modules = {view.module.attribute: module}
    results = piece.expr if isinstance(piece.expr, tuple) else (piece.expr,)
    runs = remembered(graph, node, piece, lambda: _runs(graph, node, view, piece, modules))
    if len(node.outputs) > len(results):
        raise UnsupportedError(
            f"{view.class_name} gives {len(results)} results,"
            f" the tensor index {len(node.outputs) - 1} is used"
        )
    layouts = _layouts(view, piece, [r.dim() for r in runs[0]])
    values = tuple(
        _value(f"{node.name}:{k}" if node.kind == "call" else node.outputs[k], a, b, layout)
        for k, (a, b, layout) in enumerate(zip(*runs, layouts, strict=True))
    )
    given = (graph.values[name].shape or () for name in node.inputs)
    if any(0 in (v.shape or ()) for v in values) and not any(0 in lengths for lengths in given):
        raise UnsupportedError(f"{told(view.class_name, view.config)} leaves nothing of its input")
    return Applied(piece, results, values, module)


def _runs(
    graph: Graph, node: Node, view: LayerView, piece: Piece, modules: Mapping[str, Any]
) -> list[list[Any]]:
    """Return the results of two runs.

    An input whose length is free may have to have that of another beside it, and an operation
    that fits one size of batch has that in both runs.
    """
    known = {n for name in node.inputs for n in graph.values[name].shape or () if n}
    own = sorted(_batches(piece) | known) if view.class_name.startswith("ops.") else []
    tried = [(graph, FREE_LENGTHS), (meeting(graph, node), FREE_LENGTHS)]
    tried += [(graph, ((n, 192), (n, 256))) for n in own]
    if view.class_name.startswith("ops."):  # the batch may lie behind another axis by now
        tried.append((graph, ((192, 192), (256, 256))))
    for k, (inside, lengths) in enumerate(tried):
        try:
            return [_evaluated(inside, node, view, piece, modules, free=free) for free in lengths]
        except (RuntimeError, ValueError, IndexError):
            if k == len(tried) - 1:
                raise
    raise AssertionError("unreachable")


def _batches(piece: Piece) -> set[int]:
    """Return the lengths that a batch may have to fit what an operation is given beside tensors.

    A place in the batch tells that it is one longer, at least.
    """
    whole = {n for n in walk(piece.expr) if isinstance(n, int) and not isinstance(n, bool)}
    firsts = {a.shape[0] for a in piece.constants.values() if a.shape}
    return {n for n in (*firsts, *whole, *(n + 1 for n in whole)) if 0 < n <= LONGEST}


def _evaluated(
    graph: Graph, node: Node, view: LayerView, piece: Piece, modules: Mapping[str, Any], *,
    free: tuple[int, int],
) -> list[Any]:  # fmt: skip
    needed = node.needs
    given = {name: stand_in(graph.values[name], free) for name in needed}
    if view.class_name == "steps.FromSamples":  # as many samples as steps in all of the batch
        samples, steps = (given[name] for name in node.inputs)
        count = steps.shape[0] * steps.shape[1]
        given[node.inputs[0]] = samples[:1].expand(count, *samples.shape[1:])
    results = piece.expr if isinstance(piece.expr, tuple) else (piece.expr,)
    with shapes_only(free[1]), torch.device("meta") if is_own(piece.module) else nullcontext():
        return [evaluate(r, given, modules) for r in results]


def _layouts(view: LayerView, piece: Piece, ranks: Sequence[int]) -> list[Layout | None]:
    if piece.layout is not ...:
        several = isinstance(piece.layout, tuple) and len(ranks) > 1
        return list(piece.layout) if several else [piece.layout] * len(ranks)
    given = view.inputs[0] if view.inputs else None
    return [given.layout if given and rank == given.rank else None for rank in ranks]


def stand_in(value: Value, free: tuple[int, int]) -> Any:
    """Return a tensor on the meta device with a value's physical shape and dtype.

    Strings are nested lists; each has as many words as a free axis is long.
    """
    if value.shape is None:
        raise UnsupportedError("it follows a layer that is not translated")
    lengths = [
        free[0 if k == 0 else 1] if length is None else length
        for k, length in enumerate(value.shape)
    ]
    if value.dtype == "string":
        return strings(lengths, "a " * free[1])
    physical = [lengths[k] for k in value.layout or range(len(lengths))]
    return torch.empty(physical, dtype=torch_dtype(value.dtype), device="meta")


def strings(lengths: Sequence[int], text: str) -> Any:
    """Return nested lists of these lengths that hold `text`."""
    for length in reversed(lengths):
        text = [text] * length  # type: ignore[assignment]
    return text


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
