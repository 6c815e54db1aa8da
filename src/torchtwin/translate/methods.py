"""Calls and attributes that are no names of Keras: of `self`, modules, tensors, own classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field, Method, Source
from torchtwin.nn.graphs import step_in_mode
from torchtwin.nn.mode import in_mode
from torchtwin.translate import arrays, held
from torchtwin.translate.augmented import with_tensors
from torchtwin.translate.inherited import of_builtin
from torchtwin.translate.inventory import is_layer
from torchtwin.translate.kinds import Kind
from torchtwin.translate.opening import GIVEN
from torchtwin.translate.parameters import reads_name
from torchtwin.translate.values import detached, source_of, text_of
from torchtwin.translate.weights import weight

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

OF_LAYERS = frozenset({"name", "dtype", "trainable", "dynamic", "autocast", "input_shape"})
"""Arguments that every layer takes in Keras."""
READING = frozenset({"compile", "fit", "evaluate", "add_weight", "add_loss", "add"})
PLAIN_BASES = ("keras.layers.Layer", "keras.Model")
"""Classes of Keras that bring nothing but what nn.Module brings."""
ASSIGNS = frozenset({"assign", "assign_add", "assign_sub"})


def written(node: cst.CSTNode) -> str:
    return text_of(node)


def reads_values(node: cst.Call) -> bool:
    """Tell whether a method takes objects of Keras, which its rule reads as values."""
    return isinstance(node.func, cst.Attribute) and node.func.attr.value in READING


def called(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> Any:
    """Return what a call becomes; None where nothing is to be said of it here."""
    program = rewriter.program
    func = original.func
    if isinstance(func, cst.Name) and program.names.of(func) is None:
        if func.value in program.inventory.classes:
            return _own_class(rewriter, func.value, original, updated)
        return _applied(rewriter, original, updated)
    if not isinstance(func, cst.Attribute):
        return _applied(rewriter, original, updated)
    attr = func.attr.value
    if rewriter.cls and is_layer(program.inventory, rewriter.cls):
        made = held.grown(rewriter, original, updated) or _of_base(rewriter, original, updated)
        if made is not None:
            return made
    subject = program.kinds.of(func.value)
    if attr == "add" and _is_chain(rewriter, func.value, original):
        appended = cst.ensure_type(updated.func, cst.Attribute)
        return updated.with_changes(func=appended.with_changes(attr=cst.Name("append")))
    if attr in ASSIGNS and subject.what == "tensor":
        return _assigned(attr, updated)
    if attr == "numpy" and subject.what in ("tensor", "unknown") and not original.args:
        return Method(detached(cst.ensure_type(updated.func, cst.Attribute).value), "numpy", (), {})
    if attr == "get_shape" and subject.what == "tensor":
        return Field(_subject(updated), "shape")
    if attr == "as_list" and subject.what == "shape":
        return Source(f"list({text_of(updated.func.value)})")  # type: ignore[attr-defined]
    return _applied(rewriter, original, updated)


def _is_chain(rewriter: Rewriter, owner: cst.BaseExpression, call: cst.Call) -> bool:
    """Tell whether `owner.add(layer)` adds to a Sequential, made here or somewhere else."""
    program = rewriter.program
    known, given = program.kinds.of(owner), [program.kinds.of(a.value) for a in call.args]
    if known.what == "module":
        chain = [known.of, *program.inventory.bases(known.of)]
        return "keras.Sequential" in chain
    return known.what == "unknown" and [k.what for k in given] == ["module"]


def _subject(updated: cst.Call) -> Source:
    assert isinstance(updated.func, cst.Attribute)
    return source_of(updated.func.value)


def _assigned(attr: str, updated: cst.Call) -> Expr:
    """Assigning to a variable of Keras does not take part in gradients."""
    x, v = _subject(updated), source_of(updated.args[0].value)
    text = {"assign": v.text, "assign_add": f"{x.text} + {v.text}"}.get(attr)
    if attr == "assign_sub":
        inner = f"({v.text})" if v.binding < 5 else v.text
        text = f"{x.text} - {inner}"
    return Source(f"{x.text}.data.copy_({text})")


# What layers have from keras.layers.Layer.


def _is_super(node: cst.BaseExpression) -> bool:
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Name)
        and node.func.value == "super"
    )


def _of_base(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> Any:
    func = original.func
    assert isinstance(func, cst.Attribute)
    owner, attr = func.value, func.attr.value
    on_self = isinstance(owner, cst.Name) and owner.value == "self"
    if _is_super(owner):
        return _of_super(rewriter, attr, original, updated)
    base = rewriter.program.names.of(owner) or ""
    if attr == "__init__" and base in rewriter.program.inventory.parents.get(rewriter.cls, ()):
        return _of_super(rewriter, attr, original, updated)
    if on_self and attr in ("add_weight", "add_variable"):
        return weight(rewriter.program, original, updated)
    if on_self and attr == "add_loss":
        several = rewriter.program.kinds.of(original.args[0].value).what == "list"
        value = source_of(updated.args[0].value)
        return Method(Source("self.losses"), "extend" if several else "append", (value,), {})
    if on_self and attr == "add_metric":
        raise UnsupportedError("add_metric is not translated", hint="return the value instead")
    if attr == "call" and rewriter.program.kinds.of(owner).what == "module":
        forward = cst.parse_expression(f"{_subject(updated).text}.forward")
        of = rewriter.program.kinds.of(owner)
        called = updated.with_changes(func=forward)
        return _without_training(rewriter, original, called, module=of)
    return None


def _of_super(rewriter: Rewriter, attr: str, original: cst.Call, updated: cst.Call) -> Any:
    """`super()` is nn.Module's, or that of a class which is translated."""
    from torchtwin.translate.graphs import graph_classes, super_init

    called = attr in ("call", "__call__")
    func = cst.parse_expression(f"super().{'forward' if called else attr}")
    inventory = rewriter.program.inventory
    own = [b for b in inventory.parents.get(rewriter.cls, ()) if b in inventory.classes]
    own = [b for b in own if inventory.method(b, attr) is not None]
    if called:
        above = Kind("module", of=own[0] if own else inventory.root(rewriter.cls))
        called_above = updated.with_changes(func=func)
        return _without_training(rewriter, original, called_above, module=above)
    if attr == "get_config" and not own:
        return cst.parse_expression("{}")
    if attr != "__init__":
        return updated.with_changes(func=func)
    if own:
        made = _own_class(rewriter, own[0], original, updated)
        return (updated if made is None else made).with_changes(func=func)
    if rewriter.program.graphs and rewriter.cls in graph_classes(rewriter.program):
        return super_init(original, updated)
    root = inventory.root(rewriter.cls)
    if root not in PLAIN_BASES:
        return of_builtin(rewriter, root, original, updated)
    for arg in original.args:
        named = arg.keyword.value if arg.keyword else ""
        if named and named not in OF_LAYERS | {GIVEN}:
            raise UnsupportedError(f"super().__init__({named}=...) is not translated")
    kept = [a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in updated.args
            if a.keyword and a.keyword.value == GIVEN]  # fmt: skip
    return updated.with_changes(func=func, args=kept)


# Own classes, and modules that are called.


def _own_class(rewriter: Rewriter, cls: str, original: cst.Call, updated: cst.Call) -> Any:
    """The base's arguments, such as `name`, go where the class does not take them itself."""
    program = rewriter.program
    if not is_layer(program.inventory, cls):
        return None
    init = program.inventory.method(cls, "__init__")
    named = (*init.params.params, *init.params.kwonly_params) if init is not None else ()
    params = [p.name.value for p in named]
    kept = []
    for before, after in zip(original.args, updated.args, strict=True):
        name = before.keyword.value if before.keyword else ""
        if name in OF_LAYERS and name not in params:
            if name == "name" and init is not None and reads_name(program.inventory, cls):
                kept.append(after)
            if name == "trainable" and text_of(before.value) == "False":
                raise UnsupportedError(f"{cls}(trainable=False) is not translated")
            continue
        kept.append(after)
    return None if len(kept) == len(updated.args) else updated.with_changes(args=tidy(kept))


def _applied(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> Any:
    """A module is called without `training`, which is a mode of it."""
    if rewriter.program.names.of(original.func) is not None:
        return None  # a function of Keras, such as K.in_train_phase
    kind: Kind = rewriter.program.kinds.of(original.func)
    method = None
    if isinstance(original.func, cst.Attribute):
        owner = rewriter.program.kinds.of(original.func.value)
        if owner.what == "module":
            method = rewriter.program.inventory.method(owner.of, original.func.attr.value)
    if kind.what != "module" and method is None:
        named = any(a.keyword and a.keyword.value == "training" for a in original.args)
        if not (named and rewriter.cls and is_layer(rewriter.program.inventory, rewriter.cls)):
            return None
    if kind.what == "module":
        given = arrays.with_tensors(rewriter, original, updated)
        whole = given is updated
        updated = with_tensors(rewriter.program, original, updated) if whole else given
    return _without_training(rewriter, original, updated, method)


def _without_training(
    rewriter: Rewriter,
    original: cst.Call,
    updated: cst.Call,
    method: Any = None,
    *,
    module: Kind | None = None,
) -> Any:
    kind = module or rewriter.program.kinds.of(original.func)
    place = _training_place(rewriter, kind, method)
    kept, removed, mode = [], None, None
    for k, (before, after) in enumerate(zip(original.args, updated.args, strict=True)):
        name = before.keyword.value if before.keyword else ""
        if name == "training" or (not name and k == place):
            removed, mode = before.value, after.value
        else:
            kept.append(after)
    if removed is None or mode is None:
        return None if isinstance(original.func, cst.Name) else updated
    passed = isinstance(removed, cst.Name) and removed.value in ("training", "None")
    if not passed and text_of(removed) != "self.training":
        if rewriter.cls and (kind.what == "module" or method is not None):
            return _in_mode(rewriter, in_mode, updated, mode, kept)
        if rewriter.program.graphs and kind.what == "module":
            return _in_mode(rewriter, step_in_mode, updated, mode, kept)
        _refuse_mode(rewriter, original, removed)
        if isinstance(original.func, cst.Name | cst.Attribute) and not rewriter.cls:
            word = "train" if text_of(removed) == "True" else "eval"
            func = cst.parse_expression(f"{text_of(updated.func)}.{word}()")
            return updated.with_changes(func=func, args=tidy(kept))
    return updated.with_changes(args=tidy(kept))


def _in_mode(
    rewriter: Rewriter, function: Any, updated: cst.Call, mode: Any, kept: list[cst.Arg]
) -> cst.Call:
    """A layer that is told its mode, as in `self.dropout(x, training=True)`."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    first = [cst.Arg(each, comma=comma) for each in (mode, updated.func)]
    name = cst.Name(rewriter.program.name_of(function))
    return cst.Call(name, tidy([*first, *kept]))


def _refuse_mode(rewriter: Rewriter, original: cst.Call, value: cst.BaseExpression) -> None:
    if rewriter.cls or text_of(value) not in ("True", "False"):
        raise UnsupportedError(
            f"{text_of(original.func)}(training={text_of(value)}) is not translated: in PyTorch "
            "the mode is the module's",
            hint="call train() or eval() of the module before",
        )


def _training_place(rewriter: Rewriter, kind: Kind, method: Any) -> int | None:
    """Return where `training` stands among the positional arguments of a call."""
    from torchtwin.translate.values import signatures

    inventory = rewriter.program.inventory
    function = method or (inventory.method(kind.of, "call") if kind.what == "module" else None)
    if function is not None:
        names = [p.name.value for p in function.params.params][1:]
    else:
        names = list(signatures()["call"].get(kind.of.rpartition(".")[2], ()))
    return names.index("training") if "training" in names else None


def tidy(args: list[cst.Arg]) -> list[cst.Arg]:
    """Return arguments without a comma behind the last, where they are on one line."""
    if args and isinstance(args[-1].comma, cst.Comma):
        whitespace = args[-1].comma.whitespace_after
        if isinstance(whitespace, cst.SimpleWhitespace):
            args = [*args[:-1], args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]
    return args
