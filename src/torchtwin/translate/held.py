"""Lists, tuples and dicts that layers hold: PyTorch finds modules and weights in its own kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst
from torch import nn

from torchtwin.nn.applied import Apply
from torchtwin.nn.keyed import KeyedModules
from torchtwin.translate.kinds import UNKNOWN, Kind
from torchtwin.translate.values import text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter


def assigned(rewriter: Rewriter, node: cst.Assign, updated: Any) -> Any:
    """What is set on `self`, or by a key in what `self` holds, as a container of PyTorch's."""
    small = updated.body[0]
    value = _set(rewriter, node.targets[0].target, node.value, small.value)
    if value is small.value:
        return updated
    return updated.with_changes(body=[small.with_changes(value=value), *updated.body[1:]])


def _set(rewriter: Rewriter, target: Any, before: Any, after: Any) -> Any:
    match target, before, after:
        case cst.Tuple(), cst.Tuple(), cst.Tuple():
            if len({len(part.elements) for part in (target, before, after)}) > 1:
                return after
            parts = [
                new.with_changes(value=_set(rewriter, to.value, old.value, new.value))
                for to, old, new in zip(
                    target.elements, before.elements, after.elements, strict=True
                )
            ]
            same = all(a is b for a, b in zip(parts, after.elements, strict=True))
            return after if same else after.with_changes(elements=parts)
        case cst.Attribute(value=cst.Name(value="self"), attr=attr), _, _:
            known = rewriter.program.kinds.attribute(rewriter.cls, attr.value)
            return contained(rewriter, before, after, known)
    return contained(rewriter, before, after) if _own(rewriter, target) else after


def grown(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> cst.Call | None:
    """`self.blocks.append([conv, norm])`: what is added is a container too."""
    func = original.func
    if not isinstance(func, cst.Attribute) or func.attr.value not in ("append", "insert"):
        return None
    if not original.args or not _on_self(func.value):
        return None
    before, after = original.args[-1], updated.args[-1]
    value = contained(rewriter, before.value, after.value)
    if value is after.value:
        return None
    return updated.with_changes(args=[*updated.args[:-1], after.with_changes(value=value)])


def _own(rewriter: Rewriter, target: cst.CSTNode) -> bool:
    """Tell whether a target is an element of a container that `self` holds."""
    if not isinstance(target, cst.Subscript) or not _on_self(target.value):
        return False
    return rewriter.program.kinds.of(target.value).what in ("list", "dict")


def _on_self(node: cst.CSTNode) -> bool:
    while isinstance(node, cst.Subscript | cst.Attribute):
        if text_of(node.value) == "self":
            return True
        node = node.value
    return False


def contained(
    rewriter: Rewriter, before: Any, after: Any, known: Kind = UNKNOWN
) -> cst.BaseExpression:
    """Return a list or dict of modules or weights as PyTorch's; anything else as it is."""
    kind = rewriter.program.kinds.of(before)
    result: cst.BaseExpression = after
    empty = kind.what in ("list", "dict") and kind.is_empty and _is_written_empty(before)
    if empty and known.what in ("list", "dict"):
        kind = known
    if kind.what not in ("list", "dict"):
        return result
    mixed = _with_functions(rewriter, before, after)
    if mixed is not None:
        return cst.Call(cst.parse_expression("nn.ModuleList"), [cst.Arg(mixed)])
    last = _deepest(kind)
    if last.what != "module" and last.of != "weight":
        return result
    name = _container(rewriter, kind, last.what, before)
    if empty:
        return cst.parse_expression(f"{name}()")
    inner = _inner(rewriter, before, after, kind)
    return cst.Call(cst.parse_expression(name), [cst.Arg(inner)])


def _is_written_empty(node: cst.BaseExpression) -> bool:
    called = isinstance(node, cst.Call) and not node.args
    return called or (isinstance(node, cst.List | cst.Dict | cst.Tuple) and not node.elements)


def _deepest(kind: Kind) -> Kind:
    """Return what lies in a list of lists at last."""
    while kind.what in ("list", "dict") and not kind.is_empty:
        kind = kind.element
    return kind


def _container(rewriter: Rewriter, kind: Kind, what: str, node: cst.BaseExpression) -> str:
    if what == "tensor":
        return f"nn.Parameter{'Dict' if kind.what == 'dict' else 'List'}"
    if kind.what == "list":
        return "nn.ModuleList"
    if kind.of == "string" and _plain_keys(node):
        return "nn.ModuleDict"
    return rewriter.program.name_of(KeyedModules)


def _plain_keys(node: cst.BaseExpression) -> bool:
    """Tell whether no key that is written out is a word that nn.ModuleDict has a meaning for."""
    elements = node.elements if isinstance(node, cst.Dict) else ()
    keys = [e.key for e in elements if isinstance(e, cst.DictElement)]
    words = [str(k.evaluated_value) for k in keys if isinstance(k, cst.SimpleString)]
    return not any("." in w or w == "" or hasattr(nn.ModuleDict, w) for w in words)


def _inner(rewriter: Rewriter, before: Any, after: Any, kind: Kind) -> cst.BaseExpression:
    """Return what goes into the container: the parts of a written list as containers too."""
    match before, after:
        case (cst.List() | cst.Tuple(), cst.List() | cst.Tuple()):
            elements = [
                new.with_changes(value=contained(rewriter, old.value, new.value))
                for old, new in zip(before.elements, after.elements, strict=True)
            ]
            if isinstance(after, cst.Tuple):
                return cst.List(_listed(elements))
            return after.with_changes(elements=elements)
        case (cst.ListComp() | cst.GeneratorExp(), cst.ListComp() | cst.GeneratorExp()):
            element = contained(rewriter, before.elt, after.elt)
            return cst.GeneratorExp(element, after.for_in, lpar=(), rpar=())
        case (cst.Dict(), cst.Dict()):
            parts = [
                new.with_changes(value=contained(rewriter, old.value, new.value))
                for old, new in zip(before.elements, after.elements, strict=True)
            ]
            return after.with_changes(elements=parts)
        case (cst.DictComp(), cst.DictComp()):
            return after.with_changes(value=contained(rewriter, before.value, after.value))
    if kind.what == "list" and kind.element.what == "list":
        text = f"(nn.ModuleList(part) for part in {text_of(after)})"
        return cst.ensure_type(cst.parse_expression(text), cst.GeneratorExp).with_changes(
            lpar=(), rpar=()
        )
    result: cst.BaseExpression = after
    return result


def _listed(elements: list[Any]) -> list[Any]:
    """Return the elements of a tuple as those of a list, without a comma behind the last."""
    if elements and isinstance(elements[-1].comma, cst.Comma):
        space = elements[-1].comma.whitespace_after
        if isinstance(space, cst.SimpleWhitespace):
            elements[-1] = elements[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return elements


def _with_functions(rewriter: Rewriter, before: Any, after: Any) -> cst.List | None:
    """A list of layers in which functions stand too: each of those as a module."""
    if not isinstance(before, cst.List) or not isinstance(after, cst.List):
        return None
    kinds = [rewriter.program.kinds.of(e.value).what for e in before.elements]
    if "module" not in kinds or set(kinds) <= {"module", "none", "list"}:
        return None
    apply = rewriter.program.name_of(Apply)
    elements = [
        e
        if kind in ("module", "none")
        else e.with_changes(value=cst.Call(cst.Name(apply), [cst.Arg(e.value)]))
        for e, kind in zip(after.elements, kinds, strict=True)
    ]
    return after.with_changes(elements=elements)
