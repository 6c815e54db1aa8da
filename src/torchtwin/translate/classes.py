"""Layers and models of a program become nn.Module: bases, `forward`, `build`, what Keras keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst
import libcst.matchers as m

from torchtwin.errors import UnsupportedError
from torchtwin.nn.frozen import frozen
from torchtwin.translate import attributes, graphs, held, hooks, methods, owners
from torchtwin.translate.building import asks_shape, building, is_build
from torchtwin.translate.inventory import is_layer
from torchtwin.translate.opening import opened, with_penalty
from torchtwin.translate.parameters import configurable, named, parameters
from torchtwin.translate.search import findall
from torchtwin.translate.values import text_of
from torchtwin.translate.weights import bounds

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

BOOKKEEPING = frozenset({
    "built", "supports_masking", "input_spec", "_supports_masking", "stateful", "autocast",
    "supports_jit", "_build_input_shape", "uses_learning_phase",
})  # fmt: skip
"""Attributes of Keras's layers that a module has no use for."""
NOT_OURS = frozenset({"compute_output_shape", "compute_output_spec", "get_build_config",
                      "build_from_config", "get_compile_config"})  # fmt: skip
"""Methods that Keras asks for shapes: PyTorch finds them by running."""
DECORATORS = ("tf.function", "keras.saving.register_keras_serializable", "tf.autograph",
              "tf.Module.with_name_scope")  # fmt: skip
FORWARD = ("call", "__call__")
LAYER_TRAIN = ("train_step", "test_step", "predict_step", "make_train_function")


def _in_layer(rewriter: Rewriter) -> bool:
    return bool(rewriter.cls) and is_layer(rewriter.program.inventory, rewriter.cls)


def left_out(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    """Tell whether a node is Keras's bookkeeping, of which nothing is looked at."""
    if not _in_layer(rewriter):
        return False
    if isinstance(node, cst.FunctionDef):
        return node.name.value in NOT_OURS
    if not isinstance(node, cst.Assign) or len(node.targets) != 1:
        return False
    if asks_shape(rewriter, node):
        return True
    target = node.targets[0].target
    on_self = isinstance(target, cst.Attribute) and text_of(target.value) == "self"
    name = cst.ensure_type(target, cst.Attribute).attr.value if on_self else ""
    return name in BOOKKEEPING and not _is_read(rewriter, name)


def _is_read(rewriter: Rewriter, name: str) -> bool:
    """Tell whether a class asks for what it told Keras: `self.supports_masking`, not `built`."""
    if name != "supports_masking":
        return False
    cls = rewriter.program.inventory.classes[rewriter.cls]
    own = m.Attribute(value=m.Name("self"), attr=m.Name(name))
    return len(findall(cls, own)) > len(findall(cls, m.AssignTarget(target=own)))


# Statements.


def statement(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Drop Keras's bookkeeping; keep lists of modules as nn.ModuleList."""
    if not _in_layer(rewriter) or len(updated.body) != 1:
        return updated
    node = original.body[0]
    if left_out(rewriter, node):
        return cst.RemoveFromParent()
    if isinstance(node, cst.Expr) and is_build(node.value):
        return building(rewriter, node.value, updated)
    if not isinstance(node, cst.Assign) or len(node.targets) != 1:
        return updated
    target = node.targets[0].target
    if isinstance(target, cst.Attribute) and _is_part(rewriter, target):
        return _frozen(rewriter, updated)
    if isinstance(target, cst.Attribute) and _is_weight(rewriter, target):
        return _trained(updated)
    if not isinstance(target, cst.Attribute) or text_of(target.value) != "self":
        return held.assigned(rewriter, node, updated)
    try:
        more = bounds(rewriter.program, node)
    except UnsupportedError as error:
        rewriter.refuse(original, "add_weight", error)
        return updated
    made = held.assigned(rewriter, node, updated)
    return cst.FlattenSentinel([made, *more]) if more else made


def _is_weight(rewriter: Rewriter, target: cst.Attribute) -> bool:
    """Tell whether a statement says if a weight is trained: `self.kernel.trainable = False`."""
    owner = target.value
    if target.attr.value != "trainable" or not isinstance(owner, cst.Attribute):
        return False
    program = rewriter.program
    of_base = text_of(owner.value) == "self" and owner.attr.value in attributes.TIED
    of_base = of_base and program.inventory.root(rewriter.cls) not in methods.PLAIN_BASES
    return of_base or program.kinds.of(owner).what == "tensor"


def _is_part(rewriter: Rewriter, target: cst.Attribute) -> bool:
    """Tell whether a statement says if a layer is trained, in a program that has no training."""
    if target.attr.value != "trainable" or rewriter.program.trains:
        return False
    return (
        rewriter.program.kinds.of(target.value).what == "module" and text_of(target.value) != "self"
    )


def _frozen(rewriter: Rewriter, updated: Any) -> Any:
    node = updated.body[0]
    owner, value = text_of(node.targets[0].target.value), text_of(node.value)
    call_ = f"{rewriter.program.name_of(frozen)}({owner}"
    made = cst.parse_expression(f"{call_})" if value == "False" else f"{call_}, {value})")
    return updated.with_changes(body=[cst.Expr(made)])


def _trained(updated: Any) -> Any:
    """A weight of PyTorch takes part in training where it requires a gradient."""
    node = updated.body[0]
    owner, value = text_of(node.targets[0].target.value), text_of(node.value)
    made = cst.parse_expression(f"{owner}.requires_grad_({value})")
    noted = "True" if value == "False" else f"not {value}"  # its place among the weights stays
    mark = cst.parse_statement(f"{owner}.frozen = {noted}")
    return cst.FlattenSentinel([updated.with_changes(body=[cst.Expr(made)]), mark])


# Functions.


def function(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Turn `call` into `forward`; drop `training`, `**kwargs` for the base, Keras's decorators."""
    updated = _decorated(rewriter, original, updated)
    if not _in_layer(rewriter):
        return updated
    nested = any(isinstance(n, cst.FunctionDef) for n in rewriter.path)
    name = original.name.value
    if nested:
        return updated
    if name in NOT_OURS or (name == "build" and _is_empty(updated)):
        return cst.RemoveFromParent()
    if name in LAYER_TRAIN:
        rewriter.refuse(original, name, UnsupportedError(f"an own {name} is not translated yet"))
        return updated
    if name == "__init__":
        updated = named(rewriter, original, updated)
    updated = updated.with_changes(params=parameters(updated))
    if name in FORWARD:
        updated = updated.with_changes(name=cst.Name("forward"))
    if name == "_merge_function" and hooks.merges(rewriter.program.inventory.root(rewriter.cls)):
        updated = updated.with_changes(name=cst.Name("merge"))
    if _is_empty(updated):
        updated = updated.with_changes(
            body=updated.body.with_changes(
                body=[*updated.body.body, cst.SimpleStatementLine([cst.Pass()])]
            )
        )
    return updated


def _is_empty(node: cst.FunctionDef) -> bool:
    return isinstance(node.body, cst.IndentedBlock) and not [
        s for s in node.body.body
        if not (isinstance(s, cst.SimpleStatementLine) and s.body
                and isinstance(s.body[0], cst.Pass))
    ]  # fmt: skip


def _decorated(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    kept = []
    for before, after in zip(original.decorators, updated.decorators, strict=True):
        inner = before.decorator
        func = inner.func if isinstance(inner, cst.Call) else inner
        if not (rewriter.program.names.of(func) or "").startswith(DECORATORS):
            kept.append(after)
    return updated.with_changes(decorators=kept)


# Classes.


def class_(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Give a class PyTorch's base, and what its `forward` needs."""
    updated = _decorated(rewriter, original, updated)
    name = original.name.value
    inventory = rewriter.program.inventory
    if not is_layer(inventory, name):
        return owners.class_(rewriter, original, updated)
    try:
        base = _base(rewriter, name)
        hooks.check(rewriter, original)
    except UnsupportedError as error:
        rewriter.refuse(original, name, error)
        return updated
    bases = [
        after.with_changes(value=cst.parse_expression(base))
        if (rewriter.program.names.of(before.value) or "") == inventory.root(name)
        else after
        for before, after in zip(original.bases, updated.bases, strict=True)
    ]
    updated = configurable(rewriter, updated.with_changes(bases=bases, body=_body(updated)))
    updated = with_penalty(rewriter.program, updated)
    updated = opened(updated)
    text = text_of(updated.body)
    adds = "self.losses.append(" in text or "self.register_forward_hook(penalize_output)" in text
    return _with_losses(updated) if adds else updated


def _base(rewriter: Rewriter, name: str) -> str:
    from torchtwin.nn.lazy import LazyModule
    from torchtwin.translate.builtin import base_class
    from torchtwin.translate.parts.model import Model
    from torchtwin.translate.parts.models import LazyModel

    inventory = rewriter.program.inventory
    root = inventory.root(name)
    if rewriter.program.graphs and name in graphs.graph_classes(rewriter.program):
        return graphs.graph_class(rewriter.program)
    if root in methods.PLAIN_BASES:
        own = [c for c in inventory.bases(name) if c in inventory.classes]
        lazy = any(inventory.method(c, "build") is not None for c in own)
        lazy = lazy or any(_builds_below(inventory, c, name) for c in inventory.classes)
        if root == "keras.Model" and rewriter.program.trains:
            return rewriter.program.name_of(LazyModel if lazy else Model)
        if not lazy:
            return "nn.Module"
        return rewriter.program.name_of(LazyModule)
    if root == "keras.Sequential" and not rewriter.program.trains:
        held_too = {
            k.what for (cls, _), k in rewriter.program.kinds.attributes.items() if cls == name
        }
        if held_too & {"module", "list", "dict"}:  # nn.Sequential would call these too
            raise UnsupportedError("a Sequential that holds layers beside those of its chain")
        return "nn.Sequential"
    helper = base_class(root)
    if helper.__module__.startswith("torchtwin."):
        return rewriter.program.name_of(helper)
    return f"nn.{helper.__name__}"


def _builds_below(inventory: Any, cls: str, name: str) -> bool:
    """Tell whether a class that comes from `name` has a `build`."""
    return (
        cls != name
        and name in list(inventory.bases(cls))
        and inventory.method(cls, "build") is not None
    )


def _body(node: cst.ClassDef) -> cst.BaseSuite:
    body = node.body
    if isinstance(body, cst.IndentedBlock) and not body.body:
        return body.with_changes(body=[cst.SimpleStatementLine([cst.Pass()])])
    return body


def _with_losses(node: cst.ClassDef) -> cst.ClassDef:
    """Give a module that adds losses the list in which training finds them."""
    line = cst.parse_statement("self.losses = []  # what forward adds to the loss\n")
    statements = list(node.body.body)
    for k, statement in enumerate(statements):
        if isinstance(statement, cst.FunctionDef) and statement.name.value == "__init__":
            body = list(statement.body.body)
            at = next((j for j, s in enumerate(body) if "super().__init__" in text_of(s)), -1)
            body.insert(at + 1, line)
            statements[k] = statement.with_changes(body=statement.body.with_changes(body=body))
            return node.with_changes(body=node.body.with_changes(body=statements))
    init = cst.parse_statement(
        "def __init__(self):\n    super().__init__()\n"
        "    self.losses = []  # what forward adds to the loss\n"
    )
    at = next((k for k, s in enumerate(statements) if isinstance(s, cst.FunctionDef)), 0)
    first = statements[at]
    if at < len(statements) and isinstance(first, cst.FunctionDef) and not first.leading_lines:
        statements[at] = first.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    statements.insert(at, init)
    return node.with_changes(body=node.body.with_changes(body=statements))
