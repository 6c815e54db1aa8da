"""The kinds of values, and the names that tell them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.search import findall


class Kind(IntEnum):
    """The larger wins where values of two kinds are combined."""

    STATIC = 0  # known before any tensor: numbers, names, settings
    SHAPE = 1  # a plain value, but read from a tensor
    LAYER = 2  # a layer or model, or a container of them
    TENSOR = 3  # a symbolic tensor, or a container of them


@dataclass(frozen=True)
class Value:
    """What is known of a variable."""

    kind: Kind
    attribute: str | None = None  # the attribute of the class in which a layer is kept
    origin: str | None = None  # the tensor parameter that it still is
    last: cst.BaseExpression | None = None  # the size of a tensor's last axis
    mapping: bool = False  # a dict: a loop goes over its keys


Env = dict[str, Value]

STATIC, SHAPE, LAYER, TENSOR = Kind.STATIC, Kind.SHAPE, Kind.LAYER, Kind.TENSOR
INPUTS = {"keras.Input"}
MODELS = {"keras.Model", "keras.models.Functional", "keras.models.functional.Functional"}
SEQUENTIALS = {"keras.Sequential"}
LOADERS = {"load_model", "model_from_json", "clone_model", "from_config", "deserialize"}
SHAPES = {"keras.backend.int_shape", "keras.backend.ndim", "len", "range"}
SHAPE_ATTRIBUTES = {"shape", "dtype", "ndim", "name", "rank"}
TENSOR_ATTRIBUTES = {"input", "output", "inputs", "outputs"}
LAYER_METHODS = {"get_layer", "layers"}
EMPTY = (cst.List, cst.Dict, cst.Tuple)


def placed(function: cst.FunctionDef, node: cst.Call) -> dict[str, cst.Arg]:
    """Return the arguments of a call by the parameters of the function that they go to."""
    names = [p.name.value for p in (*function.params.posonly_params, *function.params.params)]
    found: dict[str, cst.Arg] = {}
    positional = 0
    for arg in node.args:
        if arg.keyword is not None:
            found[arg.keyword.value] = arg
        elif not arg.star and positional < len(names):
            found[names[positional]] = arg
            positional += 1
    return found


class _Returns(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.values: list[cst.BaseExpression] = []

    def visit_Return(self, node: cst.Return) -> None:
        if node.value is not None:
            self.values.append(node.value)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False


def returns(function: cst.FunctionDef) -> list[cst.BaseExpression]:
    """Return what the function's return statements give."""
    visitor = _Returns()
    function.body.visit(visitor)
    return visitor.values


class Recorder(dict[str, Value]):
    """Variables, and the largest kind that each ever had."""

    def __init__(self, values: Env) -> None:
        super().__init__(values)
        self.largest: dict[str, Kind] = {}

    def __setitem__(self, name: str, value: Value) -> None:
        self.largest[name] = max(value.kind, self.largest.get(name, STATIC))
        super().__setitem__(name, value)


def empty(node: cst.BaseExpression | None) -> bool:
    """Whether an expression is None, or a container with nothing in it yet."""
    if isinstance(node, EMPTY):
        return not node.elements
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
        return node.func.value in {"list", "dict"} and not node.args
    return isinstance(node, cst.Name) and node.value == "None"


def gives_dict(function: cst.FunctionDef) -> bool:
    """Whether a function returns a dict that it writes out, or fills."""
    given = returns(function)
    names = {value.value for value in given if isinstance(value, cst.Name)}
    made = [
        node.value
        for node in findall(function.body, m.Assign())
        if isinstance(node, cst.Assign)
        and isinstance(node.targets[0].target, cst.Name)
        and node.targets[0].target.value in names
    ]
    written = [value for value in given if not isinstance(value, cst.Name)] + made
    return bool(written) and all(isinstance(v, cst.Dict | cst.DictComp) for v in written)
