"""Graph → Program: every call of a layer becomes a piece of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from torchtwin.apply import Applied, apply, where
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Member
from torchtwin.graph import Graph, Layer, Node, Value
from torchtwin.names import identifiers
from torchtwin.notation import Notation
from torchtwin.program import Argument, Class, Statement, Submodule
from torchtwin.training.owner import owner


def lower(graph: Graph) -> Class:
    """Return the program of a graph whose shapes, masks and layouts the passes have found."""
    return _Lowering(graph).result()


class _Lowering:
    """Collects the submodules and statements of one model."""

    def __init__(self, graph: Graph) -> None:
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
        layer, _, rest = name.rpartition("@")
        word = f"{self.attributes[layer]}{'_mask' * ('.mask' in rest)}"
        return Argument(name, word, physical(value), value.dtype, value.layout)

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
            made, wanted = self.submodules[layer.name].constructor, applied.piece.module
            if made is not wanted and repr(made) != repr(wanted):
                raise UnsupportedError(
                    "one layer is called on sizes that need two modules in PyTorch",
                    where=where(layer),
                    hint="give each size a layer of its own",
                )
            return
        self.modules[layer.name] = applied.module
        piece, weights = applied.piece, applied.piece.notations()
        assert piece.module is not None
        if isinstance(applied.module, nn.Module):
            weights = complete(weights, applied.module, where(layer))
        frozen = _frozen(layer, weights, piece.frozen)
        self.submodules[layer.name] = Submodule(
            member.attribute, piece.module, layer.path, layer.class_name, weights, frozen,
            piece.comment, tuple(piece.untrained), piece.constants, layer.config,
        )  # fmt: skip


def _frozen(
    layer: Layer, weights: Mapping[str, Notation], untrained: Sequence[str]
) -> tuple[str, ...]:
    """Return the parameters that get no gradient, "" for all.

    Those of a layer inside a wrapper are among them when it is not trainable itself.
    """
    filled = {name: n.variable for name, n in weights.items() if not n.constant}
    still = [
        name
        for name, variable in filled.items()
        if "/" in variable and not owner(layer.class_name, layer.config, variable)[-1]
    ]
    if not layer.trainable or (still and len(still) == len(filled)):
        return ("",)
    return (*untrained, *still)


def complete(weights: Mapping[str, Notation], module: nn.Module, place: str) -> dict[str, Notation]:
    """Return `weights` when every parameter of the module is filled; the counter of batches,
    which Keras does not keep, starts at zero."""
    state = module.state_dict()
    result = dict(weights)
    for name in state:
        if name.rpartition(".")[2] == "num_batches_tracked":
            result.setdefault(name, Notation("zeros"))
    if missing := [n for n in state if n not in result]:
        raise UnsupportedError(f"no Keras variable fills {', '.join(missing)}", where=place)
    if extra := [n for n in result if n not in state]:
        raise UnsupportedError(f"nothing in PyTorch takes {', '.join(extra)}", where=place)
    return result


def physical(value: Value) -> tuple[int | None, ...]:
    """Return a value's shape in the order in which PyTorch holds its axes."""
    assert value.shape is not None
    return tuple(value.shape[k] for k in value.layout or range(len(value.shape)))


def class_name_of(name: str) -> str:
    """Return a class name for a model: `my-u_net` becomes `MyUNet`."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name).split()
    camel = "".join(w[:1].upper() + w[1:] for w in words)
    return camel if camel[:1].isalpha() else f"Model{camel}"
