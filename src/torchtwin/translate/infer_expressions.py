"""The kind of one expression, from the kinds of its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.translate.infer_held import comprehension, made_dict, written_dict
from torchtwin.translate.infer_lengths import joins_lengths
from torchtwin.translate.inventory import is_layer
from torchtwin.translate.kinds import (
    ARRAY,
    BOOLS,
    COMPUTED,
    NONE,
    NUMBER,
    SHAPE,
    STRING,
    TENSOR,
    UNKNOWN,
    Kind,
    joined,
)
from torchtwin.translate.known import returned

if TYPE_CHECKING:
    from torchtwin.translate.infer import Body

NUMERIC = frozenset({"len", "int", "float", "bool", "abs", "min", "max", "sum", "round", "pow"})
OF_TENSORS = {"shape": SHAPE, "ndim": NUMBER, "rank": NUMBER, "dtype": STRING, "name": STRING}
SHAPE_METHODS = frozenset({"get_shape", "as_list"})
CONSTANTS = {"True": NUMBER, "False": NUMBER, "None": NONE}
WEIGHT_MAKERS = frozenset({"add_weight", "add_variable"})
VARIABLES = frozenset({"keras.Variable", "keras.backend.Variable", "tf.Variable"})


def kind_of(body: Body, node: cst.BaseExpression) -> Kind:
    """Return the kind of an expression, noting those of its parts."""
    if (rule := RULES.get(type(node))) is not None:
        return rule(body, node)
    match node:
        case cst.Integer() | cst.Float():
            return NUMBER
        case cst.Name(value=name):
            return CONSTANTS.get(name) or _variable(body, name)
        case cst.SimpleString() | cst.ConcatenatedString() | cst.FormattedString():
            _inside(body, node)
            return STRING
        case cst.Tuple(elements=parts) | cst.List(elements=parts):
            return _display(body, parts)
        case cst.UnaryOperation(operator=operator, expression=inner):
            kind = body.expr(inner)
            return NUMBER if isinstance(operator, cst.Not) else kind
        case cst.BinaryOperation(left=left, right=right):
            return arithmetic(body.expr(left), body.expr(right))
        case cst.IfExp(test=test, body=left, orelse=right):
            body.expr(test)
            return joined(body.expr(left), body.expr(right))
        case cst.BooleanOperation(left=left, right=right):
            return joined(body.expr(left), body.expr(right))
        case cst.ListComp(elt=elt, for_in=loop) | cst.GeneratorExp(elt=elt, for_in=loop):
            return Kind("list", item=comprehension(body, elt, loop)[0])
        case cst.Dict(elements=parts):
            return written_dict(body, parts)
        case cst.DictComp(key=key, value=value, for_in=loop):
            keys, item = comprehension(body, key, loop, value)
            return Kind("dict", of=keys.what, item=item)
        case cst.NamedExpr(target=target, value=value):
            kind = body.expr(value)
            body.assign(target, kind)
            return kind
    _inside(body, node)
    return UNKNOWN


def _lambda(body: Body, node: cst.Lambda) -> Kind:
    saved = dict(body.env)
    body.env |= {p.name.value: TENSOR for p in node.params.params if p.default is None}
    body.expr(node.body)
    body.env = saved
    return UNKNOWN


def _inside(body: Body, node: cst.CSTNode) -> None:
    for child in node.children:
        if isinstance(child, cst.BaseExpression):
            body.expr(child)
        else:
            _inside(body, child)


def _variable(body: Body, name: str) -> Kind:
    known = body.env.get(name) or body.outer.get(name)
    function = name in body.kinds.inventory.functions
    return known or (Kind("function", of=name) if function else UNKNOWN)


def _display(body: Body, parts: object) -> Kind:
    kinds = []
    for part in parts if isinstance(parts, list | tuple) else ():
        kind = body.expr(part.value)
        if isinstance(part, cst.StarredElement):
            kinds.append(kind.element)
        else:
            kinds.append(kind)
    if (
        kinds
        and all(k.what in ("number", "none") for k in kinds)
        and any(k.what == "number" for k in kinds)
    ):
        return Kind("shape", items=())
    return Kind("list", items=tuple(kinds))


def _attribute(body: Body, node: cst.Attribute) -> Kind:
    name = body.kinds.names.of(node)
    inner, attr = body.expr(node.value), node.attr.value
    if name is not None:
        return UNKNOWN if name != "numpy.pi" else NUMBER
    if isinstance(node.value, cst.Name) and node.value.value == "self" and body.cls:
        return body.kinds.attribute(body.cls, attr)
    if inner.what == "tensor":
        return OF_TENSORS.get(attr, TENSOR)
    if inner.what == "shape":
        return NUMBER if attr in ("rank", "ndims") else UNKNOWN
    if inner.what == "module":
        own = body.kinds.attribute(inner.of, attr)
        weight = attr in ("kernel", "bias", "embeddings", "gamma", "beta", "weights")
        return own if own != UNKNOWN else TENSOR if weight else UNKNOWN
    return UNKNOWN


def _subscript(body: Body, node: cst.Subscript) -> Kind:
    inner = body.expr(node.value)
    for part in node.slice:
        _inside(body, part)
    index = node.slice[0].slice
    if inner.what == "shape":
        return inner if isinstance(index, cst.Slice) else NUMBER
    if inner.what == "tensor":
        return Kind("tensor", inner.dtype)
    if inner.what == "array":
        return inner
    if inner.what in ("list", "dict"):
        if isinstance(index, cst.Slice):
            return Kind("list", item=inner.element)
        if isinstance(index, cst.Index) and isinstance(index.value, cst.Integer) and inner.items:
            k = int(index.value.value, 0)
            return inner.items[k] if k < len(inner.items) else UNKNOWN
        return inner.element
    return UNKNOWN


def _call(body: Body, node: cst.Call) -> Kind:
    arguments = [body.expr(arg.value) for arg in node.args]
    called = body.expr(node.func)
    name = body.kinds.names.of(node.func)
    if name in VARIABLES:
        return _own_variable(node)
    if name is not None:
        if joins_lengths(body.kinds, node):
            return COMPUTED
        return _with_dtype(body, node, name, returned(name, arguments))
    inventory = body.kinds.inventory
    if isinstance(node.func, cst.Name):
        own = node.func.value
        if own in inventory.classes and own not in body.env:
            made = inventory.method(own, "__init__")
            if made is not None:
                body.call_of(made, node, 1)
            return Kind("module", of=own) if is_layer(inventory, own) else Kind("object", of=own)
        if own in inventory.functions and own not in body.env:
            return body.call_of(inventory.functions[own], node, 0)
        if own in NUMERIC:
            tensors = any(k.what == "tensor" for k in arguments)
            return TENSOR if tensors and own not in ("len", "int", "float") else NUMBER
        if own in ("list", "tuple", "reversed", "sorted") and arguments:
            return arguments[0]
        if own == "dict":
            return made_dict(body, node, arguments)
        if own == "list":
            return Kind(own)
    if isinstance(node.func, cst.Attribute):
        return _method(body, node, node.func, arguments)
    if called.what == "module":
        return _applied(body, called, node)
    return TENSOR if called.what == "function" else UNKNOWN


def _method(body: Body, node: cst.Call, func: cst.Attribute, arguments: list[Kind]) -> Kind:
    subject, attr = body.kinds.of(func.value), func.attr.value
    if attr in WEIGHT_MAKERS:
        return _weight(node)
    if subject.what == "tensor":
        return SHAPE if attr in SHAPE_METHODS else UNKNOWN if attr == "numpy" else TENSOR
    if subject.what == "shape":
        return SHAPE if attr in SHAPE_METHODS else UNKNOWN
    if subject.what == "array":
        return subject if attr in ("reshape", "astype", "transpose", "copy", "repeat") else UNKNOWN
    if subject.what == "list" and attr == "append" and arguments:
        grown = Kind("list", item=joined(subject.element, arguments[0])
                     if subject.items or subject.item else arguments[0])  # fmt: skip
        body.assign(func.value, grown)
        return NONE
    if subject.what == "dict" and attr in ("items", "values", "keys") and not arguments:
        keys = Kind(subject.of or "unknown")
        pair = Kind("list", items=(keys, subject.element))
        return Kind("list", item={"items": pair, "values": subject.element, "keys": keys}[attr])
    if isinstance(func.value, cst.Name) and func.value.value == "self" and body.cls:
        method = body.kinds.inventory.method(body.cls, attr)
        if method is not None:
            return body.call_of(method, node, 1)
        known = body.kinds.attribute(body.cls, attr)
        if known.what == "module":
            return _applied(body, known, node)
        return TENSOR if known.what == "function" else UNKNOWN
    if subject.what == "module":
        if attr == "call":
            return _applied(body, subject, node)
        method = body.kinds.inventory.method(subject.of, attr)
        return body.call_of(method, node, 1) if method is not None else UNKNOWN
    if isinstance(func.value, cst.Call) and _is_super(func.value):
        return TENSOR if attr in ("call", "__call__") else UNKNOWN
    called = body.kinds.of(func)
    return _applied(body, called, node) if called.what == "module" else UNKNOWN


def _is_super(node: cst.Call) -> bool:
    return isinstance(node.func, cst.Name) and node.func.value == "super"


def _applied(body: Body, module: Kind, node: cst.Call) -> Kind:
    method = body.kinds.inventory.method(module.of, "call")
    if method is not None:
        known = body.call_of(method, node, 1)
        return known if known.what in ("tensor", "list") else TENSOR
    return TENSOR


def _weight(node: cst.Call) -> Kind:
    """Keras 3 has the shape first, tf.keras the name."""
    given = {a.keyword.value: a.value for a in node.args if a.keyword}
    places = [a.value for a in node.args if not a.keyword]
    named = bool(places) and isinstance(places[0], cst.SimpleString)
    shape = given.get("shape", next(iter(places[int(named) :]), None))
    rank = len(shape.elements) if isinstance(shape, cst.Tuple | cst.List) else None
    return Kind("tensor", rank=rank if shape is not None else 0, of="weight")


def _own_variable(node: cst.Call) -> Kind:
    """A variable has the rank of its shape, or that of the shape which makes its first value."""
    given = {a.keyword.value: a.value for a in node.args if a.keyword}
    first = next((a.value for a in node.args if not a.keyword), None)
    value = given.get("initial_value", given.get("initializer", first))
    if "shape" not in given and isinstance(value, cst.Call):
        given = {a.keyword.value: a.value for a in value.args if a.keyword}
        given = {"shape": value.args[0].value, **given} if value.args else given
    shape = given.get("shape")
    return Kind("tensor", rank=len(shape.elements) if isinstance(shape, cst.Tuple | cst.List)
                else None)  # fmt: skip


def _with_dtype(body: Body, node: cst.Call, name: str, kind: Kind) -> Kind:
    """A cast to a dtype that is written out has it."""
    if kind.what != "tensor" or not name.endswith(".cast") or len(node.args) < 2:
        return kind
    given = node.args[1].value
    dtype = body.kinds.names.of(given) or ""
    if isinstance(given, cst.SimpleString):
        dtype = str(given.evaluated_value)
    return Kind("tensor", dtype.rpartition(".")[2])


def _comparison(body: Body, node: cst.Comparison) -> Kind:
    kinds = [body.expr(node.left), *(body.expr(c.comparator) for c in node.comparisons)]
    identity = (cst.Is, cst.IsNot, cst.In, cst.NotIn)
    if any(isinstance(c.operator, identity) for c in node.comparisons):
        return NUMBER
    return BOOLS if any(k.what == "tensor" for k in kinds) else NUMBER


def arithmetic(left: Kind, right: Kind) -> Kind:
    """Return what an operator between two values gives."""
    if "tensor" in (left.what, right.what):
        return TENSOR
    if "array" in (left.what, right.what):
        return ARRAY if {left.what, right.what} <= {"array", "number"} else UNKNOWN
    if "shape" in (left.what, right.what):
        return COMPUTED if COMPUTED in (left, right) else SHAPE
    return joined(left, right) if left.what == right.what else UNKNOWN


RULES: dict[type, Callable[[Body, Any], Kind]] = {
    cst.Attribute: _attribute, cst.Subscript: _subscript, cst.Call: _call,
    cst.Comparison: _comparison, cst.Lambda: _lambda,
}  # fmt: skip
