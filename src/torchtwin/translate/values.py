"""The arguments of a call as rules see them: literals as values, the rest as source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import libcst as cst

from torchtwin.emit.expressions import ATOM, BINDING, UNARY
from torchtwin.expr import Expr, Method, Source
from torchtwin.translate.infer import Kinds
from torchtwin.translate.names import Names
from torchtwin.view import Tensor

LOOSE = -1
"""How weakly `a if b else c`, `lambda`, `and`, `not` bind."""
OPERATORS = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//",
    cst.Modulo: "%", cst.Power: "**", cst.MatrixMultiply: "@", cst.BitAnd: "&", cst.BitOr: "|",
    cst.BitXor: "^",
}  # fmt: skip
DTYPES = frozenset({
    "float16", "float32", "float64", "bfloat16", "half", "double", "int8", "int16", "int32",
    "int64", "uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128", "string",
})  # fmt: skip
ENTRIES = ("initializers", "regularizers", "constraints", "optimizers", "losses", "metrics",
           "callbacks")  # fmt: skip
NAMED = ("keras.activations.", "keras.initializers.", "keras.regularizers.", "keras.losses.",
         "keras.metrics.")  # fmt: skip
"""Functions that Keras knows by their last name as well."""


@cache
def signatures(table: str = "translate") -> Mapping[str, Mapping[str, list[str]]]:
    """Return the arguments of Keras's classes by kind; scripts/make_signatures writes them."""
    path = Path(__file__).parents[1] / table / "signatures.json"
    loaded: Mapping[str, Mapping[str, list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def arguments_of(kind: str, name: str) -> list[str] | None:
    """Return the names of a class's arguments in their order; None when Keras has no such class."""
    tables: Any = {**signatures("training"), **signatures()}
    found: list[str] | None = tables.get(kind, {}).get(name)
    return found


def text_of(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


def source_of(node: cst.BaseExpression) -> Source:
    """Return an expression of the program as an expression of ours."""
    return Source(text_of(node), binding_of(node))


def detached(node: cst.BaseExpression) -> Expr:
    """Return an expression, a tensor, without its gradients."""
    source = source_of(node)
    return source if source.text.endswith(".detach()") else Method(source, "detach", (), {})


def binding_of(node: cst.BaseExpression) -> int:
    if getattr(node, "lpar", ()):
        return ATOM
    match node:
        case cst.BinaryOperation(operator=operator):
            return BINDING.get(OPERATORS.get(type(operator), ""), LOOSE)
        case cst.UnaryOperation(operator=operator):
            return LOOSE if isinstance(operator, cst.Not) else UNARY
        case cst.Comparison():
            return 0
        case cst.BooleanOperation() | cst.IfExp() | cst.Lambda() | cst.NamedExpr() | cst.Tuple():
            return LOOSE
        case cst.Yield() | cst.Await() | cst.GeneratorExp():
            return LOOSE
        case cst.Integer() | cst.Float() | cst.Imaginary():
            return UNARY  # `2.sqrt()` is no Python
    return ATOM


def dtype_named(name: str | None) -> str | None:
    """Return "float32" for tf.float32, numpy.float32, torch.float32."""
    home, _, last = (name or "").rpartition(".")
    known = home in ("tf", "tf.dtypes", "numpy", "jax.numpy") and last.rstrip("_") in DTYPES
    return (
        {"bool_": "bool", "half": "float16", "double": "float64"}.get(last, last) if known else None
    )


def plain(value: Any) -> Any:
    """Return a value without what is known of it as a tensor: layers take numbers and functions."""
    if isinstance(value, Tensor):
        return value.expr
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return type(value)(plain(v) for v in value) if isinstance(value, list | tuple) else value


class Values:
    """Turns nodes into values; `original` has the meaning, `updated` is PyTorch already."""

    def __init__(self, names: Names, kinds: Kinds) -> None:
        self.names, self.kinds = names, kinds

    def of(self, original: cst.BaseExpression, updated: cst.BaseExpression) -> Any:
        name = self.names.of(original)
        if name is not None:
            return self._named(name, updated)
        match original, updated:
            case cst.Name(value="None"), _:
                return None
            case cst.Name(value="True" | "False"), _:
                return original.value == "True"
            case ((cst.Integer() | cst.Float() | cst.SimpleString()), _):
                return original.evaluated_value
            case cst.UnaryOperation(operator=cst.Minus(), expression=inner), _:
                if isinstance(inner, cst.Integer | cst.Float):
                    return -inner.evaluated_value
            case ((cst.Tuple() | cst.List()), (cst.Tuple() | cst.List())):
                return self._display(original, updated)
            case cst.Dict(), cst.Dict():
                return self._dict(original, updated)
            case cst.Call(), _:
                entry = self._entry(original, updated)
                if entry is not None:
                    return entry
        kind = self.kinds.of(original)
        source = source_of(updated)
        if kind.what == "tensor":
            return Tensor(source, (), kind.dtype, known=False)
        return replace(
            source,
            number=kind.what == "number",
            shape=kind.is_lengths,
            tensors=kind.is_tensors,
        )

    def _named(self, name: str, updated: cst.BaseExpression) -> Any:
        if dtype_named(name):
            return dtype_named(name)
        if name in ("tf.newaxis", "numpy.newaxis"):
            return None
        if name.startswith(NAMED):
            return name.rpartition(".")[2]
        if name.startswith("tf.nn."):
            return name.removeprefix("tf.nn.")
        return source_of(updated)

    def _display(self, original: Any, updated: Any) -> Any:
        if len(original.elements) != len(updated.elements):
            return source_of(updated)
        parts = []
        for before, after in zip(original.elements, updated.elements, strict=True):
            if isinstance(before, cst.StarredElement):
                return source_of(updated)
            parts.append(self.of(before.value, after.value))
        return tuple(parts) if isinstance(original, cst.Tuple) else parts

    def _dict(self, original: cst.Dict, updated: cst.Dict) -> Any:
        result = {}
        for before, after in zip(original.elements, updated.elements, strict=True):
            if isinstance(before, cst.DictElement) and isinstance(after, cst.DictElement):
                key = self.of(before.key, after.key)
                if isinstance(key, str | int | float):
                    result[key] = self.of(before.value, after.value)
                    continue
            return source_of(updated)
        return result

    def _entry(self, original: cst.Call, updated: cst.BaseExpression) -> Any:
        """An object of Keras made in place: {"class_name": ..., "config": ...}, as in configs."""
        name = self.names.of(original.func) or ""
        kind = name.removeprefix("keras.").partition(".")[0]
        order = arguments_of(kind, name.rpartition(".")[2])
        if not name.startswith("keras.") or kind not in ENTRIES or order is None:
            return None
        config = self.bound(original, updated, order)
        return None if config is None else {"class_name": name.rpartition(".")[2], "config": config}

    def bound(self, original: cst.Call, updated: Any, order: list[str]) -> dict[str, Any] | None:
        """Return the arguments of a call by name; None where they cannot be told."""
        # What is written in place may be PyTorch already: then the text is that of the original.
        same = isinstance(updated, cst.Call) and len(updated.args) == len(original.args)
        after = updated.args if same else original.args
        places = [name for name in order if name != "**"]
        config: dict[str, Any] = {}
        for k, (arg, new) in enumerate(zip(original.args, after, strict=True)):
            if arg.star or (arg.keyword is None and k >= len(places)):
                return None
            config[arg.keyword.value if arg.keyword else places[k]] = self.of(arg.value, new.value)
        return config
