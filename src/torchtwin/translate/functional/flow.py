"""Which names a piece of a program reads, writes and changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import libcst as cst

CHANGES = {"append", "extend", "insert", "update", "pop", "popitem", "remove", "setdefault"}
CHANGES |= {"reverse", "sort", "clear", "add"}


class _Reads(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

    def visit_AssignTarget(self, node: cst.AssignTarget) -> bool:
        _places(node.target, self)
        return False

    def visit_Assign(self, node: cst.Assign) -> bool:
        node.value.visit(self)  # before its targets, as it runs
        for target in node.targets:
            target.visit(self)
        return False

    def visit_AnnAssign(self, node: cst.AnnAssign) -> bool:
        if node.value:
            node.value.visit(self)
        _places(node.target, self)
        return False

    def visit_NamedExpr(self, node: cst.NamedExpr) -> bool:
        node.value.visit(self)
        return False

    def visit_For(self, node: cst.For) -> bool:
        node.iter.visit(self)
        _places(node.target, self)
        node.body.visit(self)
        if node.orelse:
            node.orelse.visit(self)
        return False

    def visit_CompFor(self, node: cst.CompFor) -> bool:
        node.iter.visit(self)
        for condition in node.ifs:
            condition.visit(self)
        if node.inner_for_in:
            node.inner_for_in.visit(self)
        return False

    def visit_Param(self, node: cst.Param) -> bool:
        if node.default:
            node.default.visit(self)
        return False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        self.names += free(node)
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        bound = {p.name.value for p in _parameters(node.params)}
        self.names += [n for n in reads(node.body) if n not in bound]
        return False

    def visit_ListComp(self, node: cst.ListComp) -> bool:
        return self._comprehension(node.elt, node.for_in)

    def visit_SetComp(self, node: cst.SetComp) -> bool:
        return self._comprehension(node.elt, node.for_in)

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> bool:
        return self._comprehension(node.elt, node.for_in)

    def visit_DictComp(self, node: cst.DictComp) -> bool:
        element = cst.Tuple([cst.Element(node.key), cst.Element(node.value)])
        return self._comprehension(element, node.for_in)

    def _comprehension(self, element: cst.BaseExpression, clause: cst.CompFor) -> bool:
        bound, inner = set(), [*reads(clause), *reads(element)]
        each: cst.CompFor | None = clause
        while each:
            bound |= targets(each.target)
            each = each.inner_for_in
        self.names += [n for n in inner if n not in bound or n in reads(clause.iter)]
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.names.append(node.value)

    def visit_ImportAlias(self, node: cst.ImportAlias) -> bool:
        return False


def _places(target: cst.BaseExpression, visitor: cst.CSTVisitor) -> None:
    """Visit what a target reads: `a` and `i` of `a[i]`, nothing of a plain name."""
    if isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            _places(element.value, visitor)
    elif not isinstance(target, cst.Name):
        target.visit(visitor)


def _parameters(params: cst.Parameters) -> Iterator[cst.Param]:
    yield from [*params.posonly_params, *params.params, *params.kwonly_params]
    for star in (params.star_arg, params.star_kwarg):
        if isinstance(star, cst.Param):
            yield star


def reads(node: cst.CSTNode) -> list[str]:
    """Return the names that are read, in order, with repetitions."""
    visitor = _Reads()
    node.visit(visitor)
    return visitor.names


def targets(target: cst.BaseExpression) -> set[str]:
    """Return the names that an assignment to `target` binds."""
    if isinstance(target, cst.Name):
        return {target.value}
    if isinstance(target, cst.Tuple | cst.List):
        return set().union(*(targets(element.value) for element in target.elements))
    if isinstance(target, cst.StarredElement):
        return targets(target.value)
    return set()


class _Writes(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.bound: set[str] = set()
        self.changed: set[str] = set()

    def _target(self, target: cst.BaseExpression) -> None:
        self.bound |= targets(target)
        for part in [e.value for e in getattr(target, "elements", ())] or [target]:
            if not isinstance(part, cst.Name) and (name := root(part)):
                self.changed.add(name)

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._target(node.target)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._target(node.target)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self._target(node.target)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._target(node.target)

    def visit_For(self, node: cst.For) -> None:
        self._target(node.target)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._target(node.name)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        self.bound.add(node.name.value)
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        self.bound.add(node.name.value)
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        return False

    def visit_Call(self, node: cst.Call) -> None:
        if isinstance(node.func, cst.Attribute) and node.func.attr.value in CHANGES:
            name = root(node.func.value)
            if name:
                self.changed.add(name)


def root(node: cst.BaseExpression) -> str | None:
    """Return the name that `a.b[c].d` begins with."""
    while isinstance(node, cst.Attribute | cst.Subscript):
        node = node.value
    return node.value if isinstance(node, cst.Name) else None


@lru_cache(maxsize=4096)
def _writes(node: cst.CSTNode) -> _Writes:
    visitor = _Writes()
    node.visit(visitor)
    return visitor


def bound(node: cst.CSTNode) -> set[str]:
    """Return the names that statements assign."""
    return set(_writes(node).bound)


def changed(node: cst.CSTNode) -> set[str]:
    """Return the names whose contents statements change."""
    return set(_writes(node).changed)


def written(node: cst.CSTNode) -> set[str]:
    """Return the names that statements assign or whose contents they change."""
    return _writes(node).bound | _writes(node).changed


def at_entry(statements: Sequence[cst.CSTNode]) -> list[str]:
    """Return the names, each once, that statements may read before they write them."""
    found: list[str] = []
    known: set[str] = set()
    for statement in statements:
        needed = (
            _inner(statement)
            if isinstance(statement, cst.If | cst.For | cst.While | cst.With | cst.Try)
            else reads(statement)
        )
        found += [n for n in dict.fromkeys(needed) if n not in known and n not in found]
        known |= certain(statement)
    return found


def _inner(node: cst.CSTNode) -> list[str]:
    """Return what a compound statement reads at entry: each of its blocks begins anew."""
    if isinstance(node, cst.If):
        rest = _inner(node.orelse) if node.orelse else []
        return reads(node.test) + at_entry(node.body.body) + rest
    if isinstance(node, cst.For):
        own = targets(node.target)
        return reads(node.iter) + [n for n in at_entry(node.body.body) if n not in own]
    if isinstance(node, cst.While):
        return reads(node.test) + at_entry(node.body.body)
    if isinstance(node, cst.With):
        items = [name for item in node.items for name in reads(item.item)]
        return items + at_entry(node.body.body)
    if isinstance(node, cst.Else):
        return at_entry(node.body.body)
    return reads(node)


def certain(statement: cst.CSTNode) -> set[str]:
    """Return the names that a statement assigns whatever happens."""
    if isinstance(statement, cst.If):
        if statement.orelse is None:
            return set()
        other = (
            certain(statement.orelse)
            if isinstance(statement.orelse, cst.If)
            else certain_of(statement.orelse.body.body)
        )
        return certain_of(statement.body.body) & other
    if isinstance(statement, cst.With):
        return certain_of(statement.body.body)
    if isinstance(statement, cst.For | cst.While | cst.Try):
        return set()
    return bound(statement)


def certain_of(statements: Iterable[cst.CSTNode]) -> set[str]:
    """Return the names that one of the statements assigns whatever happens."""
    return set().union(*(certain(statement) for statement in statements))


def free(function: cst.FunctionDef) -> list[str]:
    """Return the names that a function reads of what surrounds it."""
    own = {p.name.value for p in _parameters(function.params)}
    defaults = [n for p in _parameters(function.params) if p.default for n in reads(p.default)]
    return defaults + [n for n in at_entry(function.body.body) if n not in own]
