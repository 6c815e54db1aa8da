"""Puts a class together: `__init__` makes the layers, `call` applies them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.along import Along
from torchtwin.translate.functional.making import Halves, Shared
from torchtwin.translate.functional.naming import Attributes
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.prune import pruned
from torchtwin.translate.functional.rewrite import (
    Statement,
    assign,
    body,
    expression,
    line,
    module_of,
    own,
    tidy,
)
from torchtwin.translate.functional.split import Splitter
from torchtwin.translate.functional.values import LAYER, STATIC, TENSOR, Env, Recorder, Value


@dataclass
class Design:
    """A class that is to be made of statements."""

    name: str
    base: cst.BaseExpression
    static: list[cst.Param]
    tensors: list[cst.Param]
    body: list[Statement]
    layers: set[str] = field(default_factory=set)  # the static parameters that are layers
    origins: dict[str, str] = field(default_factory=dict)  # the shape of each tensor in `build`
    docstring: cst.SimpleStatementLine | None = None
    super_args: Sequence[cst.Arg] = ()
    leading: Sequence[cst.EmptyLine] = ()
    extra: list[Statement] = field(default_factory=list)  # at the end of __init__
    shared: Mapping[int, Shared] = field(default_factory=dict)  # what other models have already
    record: dict[int, Shared] = field(default_factory=dict)  # what this one has
    along: Mapping[str, Along] = field(default_factory=dict)  # as many values as tensors
    flags: Mapping[str, str] = field(default_factory=dict)  # whether a tensor is given
    mappings: frozenset[str] = frozenset()  # the tensor parameters that are dicts


def layer_class(program: Program, design: Design) -> cst.ClassDef:
    """Return the class of a design."""
    before, program.owner = program.owner, design.name
    counted = Attributes()
    _split(program, design, counted)
    attributes = Attributes(wanted=counted.asked)
    splitter, halves = _split(program, design, attributes)
    design.record = splitter.record
    program.owner = before
    return tidy(_assembled(program, design, splitter, halves))


def _split(program: Program, design: Design, attributes: Attributes) -> tuple[Splitter, Halves]:
    static = {p.name.value for p in design.static}
    env: Env = {k: Value(v.kind) for k, v in program.globals.items()}
    local = {name for s in design.body for name in flow.bound(s)}
    reads = [name for s in design.body for name in flow.reads(s)]
    for name in static:
        env[name] = Value(LAYER if name in design.layers else STATIC)
    for name in dict.fromkeys(reads):  # layers that come from outside
        if env.get(name, Value(STATIC)).kind == LAYER and (name in static or name not in local):
            env[name] = Value(LAYER, attributes.variable(name, again=False))
    origins = design.origins or _origins(design)
    for param in design.tensors:
        name = param.name.value
        env[name] = Value(TENSOR, origin=origins.get(name), mapping=name in design.mappings)
    for name, origin in design.origins.items():
        env[name] = Value(TENSOR, origin=origin, mapping=name in design.mappings)
    recorder = Recorder(env)
    program.kinds.flow(design.body, recorder)
    counts = Counter(name for s in design.body for name in _bindings(s))
    once = {name for name, count in counts.items() if count == 1} - static
    splitter = Splitter(
        program, env, attributes, recorder.largest, once, {*reads, *local, *static, *env}
    )
    splitter.shared, splitter.statements = design.shared, design.body
    splitter.known, splitter.flags = design.along, design.flags
    return splitter, splitter.block(design.body, set())


def _origins(design: Design) -> dict[str, str]:
    if len(design.tensors) == 1:
        return {design.tensors[0].name.value: "input_shape"}
    return {p.name.value: f"{p.name.value}_shape" for p in design.tensors}


def _bindings(node: cst.CSTNode) -> list[str]:
    """Return the names that a statement binds, each as often as it does."""
    found: list[str] = []

    class Visitor(cst.CSTVisitor):
        def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
            found.extend(flow.targets(node.target))

        def visit_AugAssign(self, node: cst.AugAssign) -> None:
            found.extend(flow.targets(node.target))

        def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
            found.extend(flow.targets(node.target))

        def visit_For(self, node: cst.For) -> None:
            found.extend([*flow.targets(node.target)] * 2)

    node.visit(Visitor())
    return found


def _assembled(
    program: Program, design: Design, splitter: Splitter, halves: Halves
) -> cst.ClassDef:
    call = pruned(halves.call, splitter.copies)
    for statement in call:
        for made in program.creations(statement):
            raise Refusal(made, "layers would be made at every call")
    params = [p.name.value for p in design.static]
    kept = [n for n in dict.fromkeys(flow.at_entry(call)) if n in splitter.kept or n in params]
    kept = [n for n in kept if splitter.kind_of_first(n) != LAYER]
    overwritten = [n for n in kept if n in {w for s in call for w in flow.bound(s)}]
    settings = {n: splitter.attributes.setting(n) for n in kept}
    first = _layers_given(splitter, design)
    first += [assign(f"self.{settings[n]}", cst.Name(n)) for n in kept if n in params]
    init = _with_kept(halves.init, {n: a for n, a in settings.items() if n in splitter.kept})
    if splitter.builds:
        first, init, build = _building(design, splitter, first, init, params)
    else:
        build = []
    call = [
        *(assign(n, own(settings[n])) for n in overwritten),
        *_on_settings(call, {n: a for n, a in settings.items() if n not in overwritten}),
    ]
    methods: list[Statement] = []
    if first or init or design.static or design.super_args or design.extra:
        methods.append(_init(design, [*first, *init, *design.extra]))
    methods += build
    methods.append(_call(design, call, bool(methods)))
    return cst.ClassDef(
        cst.Name(design.name),
        cst.IndentedBlock([*_documented(design, methods)]),
        bases=[cst.Arg(design.base)],
        lpar=cst.MaybeSentinel.DEFAULT,
        leading_lines=design.leading,
    )


def _on_settings(statements: list[Statement], settings: dict[str, str]) -> list[Statement]:
    from torchtwin.translate.functional.rewrite import renamed

    def change(name: str) -> cst.BaseExpression | None:
        return own(settings[name]) if name in settings else None

    return [renamed(s, change) for s in statements]


def _layers_given(splitter: Splitter, design: Design) -> list[Statement]:
    """`self.encoder = encoder` of the layers that come from outside."""
    local = {name for s in design.body for name in flow.bound(s)}
    static = {p.name.value for p in design.static}
    return [
        assign(f"self.{attribute}", cst.Name(name))
        for name, attribute in splitter.attributes.variables.items()
        if name in static or (name not in local and splitter.program.globals.get(name))
    ]


def _with_kept(statements: list[Statement], settings: dict[str, str]) -> list[Statement]:
    """Keep on `self` the plain values that `call` needs."""
    result: list[Statement] = []
    for statement in statements:
        names = [n for n in flow.bound(statement) if n in settings]
        result.append(statement)
        result += [assign(f"self.{settings[n]}", cst.Name(n)) for n in sorted(names)]
    return result


def _building(
    design: Design,
    splitter: Splitter,
    first: list[Statement],
    init: list[Statement],
    params: list[str],
) -> tuple[list[Statement], list[Statement], list[Statement]]:
    """Layers whose sizes come from the input's shape are made in `build`."""
    local = {n for s in init for n in flow.bound(s)}
    needed = [
        n for n in dict.fromkeys(flow.at_entry(init)) if n in params and n not in design.layers
    ]
    if both := sorted(set(needed) & local):
        raise Refusal(design.body[0], f"{', '.join(both)} changes while layers are made")
    settings = {n: splitter.attributes.setting(n) for n in needed}
    held = set(_texts(first))
    stores = [assign(f"self.{a}", cst.Name(n)) for n, a in settings.items()]
    first = [*first, *(s for s in stores if _texts([s])[0] not in held)]
    shapes = ["input_shape"]
    if not design.origins and len(design.tensors) > 1:
        shapes = [f"{p.name.value}_shape" for p in design.tensors]
    made = _on_settings(init, settings)
    function = cst.FunctionDef(
        cst.Name("build"),
        cst.Parameters([cst.Param(cst.Name("self")), *(cst.Param(cst.Name(s)) for s in shapes)]),
        body(made),
        leading_lines=[cst.EmptyLine(indent=False)],
    )
    return first, [], [function]


def _texts(statements: list[Statement]) -> list[str]:
    return [module_of([s]).code for s in statements]


def _init(design: Design, statements: list[Statement]) -> cst.FunctionDef:
    base = cst.Call(expression("super().__init__"), list(design.super_args))
    params = [cst.Param(cst.Name("self")), *design.static]
    return cst.FunctionDef(
        cst.Name("__init__"),
        cst.Parameters([_untyped_default(p) for p in params]),
        body([line(cst.Expr(base)), *statements]),
    )


def _untyped_default(param: cst.Param) -> cst.Param:
    return param.with_changes(
        comma=cst.MaybeSentinel.DEFAULT, whitespace_after_param=cst.SimpleWhitespace("")
    )


def _call(design: Design, statements: list[Statement], blank: bool) -> cst.FunctionDef:
    params = [cst.Param(cst.Name("self")), *(_untyped_default(p) for p in design.tensors)]
    if statements:
        statements = [_without_blank(statements[0]), *statements[1:]]
    return cst.FunctionDef(
        cst.Name("call"),
        cst.Parameters(params),
        body(statements),
        leading_lines=[cst.EmptyLine(indent=False)] if blank else [],
    )


def _without_blank(statement: Statement) -> Statement:
    """Return the first statement of a function without blank lines before its comments."""
    lines = list(getattr(statement, "leading_lines", []))
    while lines and lines[0].comment is None:
        lines = lines[1:]
    return statement.with_changes(leading_lines=lines)


def _documented(design: Design, methods: list[Statement]) -> list[Statement]:
    """Put the docstring before the methods."""
    if design.docstring is None:
        return methods
    first = methods[0].with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    return [design.docstring, first, *methods[1:]]
