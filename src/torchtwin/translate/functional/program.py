"""What is known of a whole program while its models are desugared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.kinds import Kinds
from torchtwin.translate.functional.resolver import Resolver
from torchtwin.translate.functional.values import INPUTS, MODELS, Env, Kind, Value
from torchtwin.translate.search import findall

LAYER_BASES = (
    "keras.layers.",
    "keras.Model",
    "keras.models.Model",
    "keras.Layer",
    "keras.Sequential",
)


class Refusal(Exception):
    """A piece of program that cannot be desugared, and why."""

    def __init__(self, node: cst.CSTNode, reason: str) -> None:
        super().__init__(reason)
        self.node, self.reason = node, reason


@dataclass
class Builder:
    """A function that makes layers and applies them: it becomes a layer class."""

    function: cst.FunctionDef
    tensors: set[str]
    name: str
    optional: set[str] = field(default_factory=set)  # tensors without which layers are left out

    def flag(self, name: str) -> str:
        """Return the parameter that tells whether a tensor is given."""
        return f"with_{name}"


@dataclass
class Program:
    """The functions, classes and names of a module."""

    module: cst.Module
    names: Resolver
    functions: dict[str, cst.FunctionDef] = field(default_factory=dict)
    layer_classes: set[str] = field(default_factory=set)
    model_classes: set[str] = field(default_factory=set)
    globals: Env = field(default_factory=dict)
    tensors: dict[str, set[str]] = field(default_factory=dict)  # tensor parameters by function
    mappings: dict[str, set[str]] = field(default_factory=dict)  # those that are dicts
    builders: dict[str, Builder] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)  # every name of the module
    pending: list[cst.ClassDef] = field(default_factory=list)  # classes of loops' bodies
    blocks: dict[int, tuple[cst.For, str]] = field(
        default_factory=dict
    )  # the class of a loop's body, by loop
    spliced: dict[str, set[str]] = field(default_factory=dict)  # models taken apart, by class
    converting: bool = False  # the calls of builders are replaced by layers already
    owner: str = ""  # the class that is being made
    imports: list[str] = field(default_factory=list)  # statements that the new classes need
    kinds: Kinds = field(init=False)

    def __post_init__(self) -> None:
        self.kinds = Kinds(self)
        self.used = {n.value for n in findall(self.module, m.Name()) if isinstance(n, cst.Name)}
        for node in self.module.body:
            if isinstance(node, cst.FunctionDef):
                self.functions[node.name.value] = node
        for found in findall(self.module, m.ClassDef()):
            if any(self._is_layer(base.value) for base in found.bases):
                self.layer_classes.add(found.name.value)
            if any(self._is_model(base.value) for base in found.bases):
                self.model_classes.add(found.name.value)

    def _is_model(self, base: cst.BaseExpression) -> bool:
        if isinstance(base, cst.Name) and base.value in self.model_classes:
            return True
        return self.names.qualified(base) in MODELS

    def _is_layer(self, base: cst.BaseExpression) -> bool:
        if isinstance(base, cst.Name) and base.value in self.layer_classes:
            return True
        name = self.names.qualified(base) or ""
        return name.startswith(LAYER_BASES)

    def fresh_class(self, name: str) -> str:
        """Return a class name that the program does not use yet."""
        name = name if name.isidentifier() else f"Model{name}"
        if name == "Model" and name in self.used:
            name = "Net"
        free, number = name, 2
        while free in self.used:
            free, number = f"{name}{number}", number + 1
        self.used.add(free)
        return free

    def layer_base(self) -> cst.BaseExpression:
        """Return `keras.layers.Layer` as this program can name it."""
        ways = {"keras.layers.Layer": "", "keras.layers": ".Layer", "keras": ".layers.Layer"}
        ways["tf"] = ".keras.layers.Layer"
        for known, rest in ways.items():
            for name in sorted(self.used):
                if name.isidentifier() and self.names.qualified(cst.Name(name)) == known:
                    return cst.parse_expression(name + rest)
        if "import keras" not in self.imports:
            self.imports.append("import keras")
        return cst.parse_expression("keras.layers.Layer")

    def makes_layers(self, node: cst.CSTNode) -> bool:
        """Whether a layer is made somewhere in `node`, by itself or in a function it calls."""
        return any(True for _ in self.creations(node))

    def creations(
        self, node: cst.CSTNode, seen: frozenset[str] = frozenset()
    ) -> Iterator[cst.Call]:
        """Yield the calls that make layers."""
        for call in findall(node, m.Call()):
            if self.kinds.makes_layer(call.func):
                yield call
            elif isinstance(call.func, cst.Name) and call.func.value not in seen:
                function = self.functions.get(call.func.value)
                replaced = self.converting and call.func.value in self.builders
                if function is not None and not replaced:
                    inner = self.creations(function.body, seen | {call.func.value})
                    yield from ([call] if any(True for _ in inner) else [])

    def has_input(self, node: cst.CSTNode) -> bool:
        """Whether `keras.Input` is called in `node`."""
        calls = findall(node, m.Call())
        return any(
            isinstance(call, cst.Call) and self.names.qualified(call.func) in INPUTS
            for call in calls
        )

    def has_model(self, node: cst.CSTNode) -> bool:
        """Whether a model is made of inputs and outputs in `node`."""
        for call in findall(node, m.Call()):
            own = isinstance(call.func, cst.Name) and call.func.value in self.model_classes
            if len(call.args) > 1 and (own or self.names.qualified(call.func) in MODELS):
                return True
        return False

    def note(self, function: cst.FunctionDef, kinds: Mapping[str, Kind]) -> None:
        """Remember which parameters of a function are given tensors."""
        own = {p.name.value for p in function.params.params}
        found = {name for name, kind in kinds.items() if kind == Kind.TENSOR and name in own}
        if found:
            self.tensors.setdefault(function.name.value, set()).update(found)


def surveyed(program: Program) -> Program:
    """Find the kinds of the module's variables, and the functions that build."""
    program.kinds.flow(program.module.body, program.globals)
    for function in program.functions.values():
        own: Env = {p.name.value: Value(Kind.STATIC) for p in function.params.params}
        applied = applied_parameters(program, function)
        own |= {name: Value(Kind.TENSOR) for name in applied}
        program.note(function, dict.fromkeys(applied, Kind.TENSOR))
        program.kinds.flow(function.body.body, {**program.globals, **own})
    for name, tensors in program.tensors.items():
        function = program.functions[name]
        if program.makes_layers(function.body) and not program.has_input(function):
            optional = {n for n in tensors if decides(program, function, n)}
            program.builders[name] = Builder(function, tensors, "", optional)
    return program


def applied_parameters(program: Program, function: cst.FunctionDef) -> set[str]:
    """Return the parameters to which the function applies a layer that it made."""
    own = {p.name.value for p in function.params.params}
    found: set[str] = set()
    for call in findall(function.body, m.Call(func=m.Call())):
        assert isinstance(call.func, cst.Call)
        if program.kinds.makes_layer(call.func.func):
            found |= {name for arg in call.args for name in tensors_of(arg.value) if name in own}
    return found


def tensors_of(node: cst.BaseExpression) -> list[str]:
    """Return the names that are themselves given to a layer: `x`, or those of `[x, y]`."""
    if isinstance(node, cst.Name):
        return [node.value]
    if isinstance(node, cst.List | cst.Tuple):
        return [name for element in node.elements for name in tensors_of(element.value)]
    return flow.reads(node) if isinstance(node, cst.BinaryOperation) else []


def decides(program: Program, function: cst.FunctionDef, name: str) -> bool:
    """Whether layers are made depending on a tensor being None."""
    given = m.ComparisonTarget(m.Is() | m.IsNot(), m.Name("None"))
    asked = m.Comparison(m.Name(name), [given])
    return any(
        isinstance(node, cst.If | cst.IfExp)
        and program.makes_layers(node)
        and bool(findall(node.test, asked))
        for node in findall(function.body, m.If() | m.IfExp())
    )
