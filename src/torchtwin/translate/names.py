"""What each name in a program means: imports, aliases and assignments followed.

`Names(module).of(node)` is the canonical name of a Name or Attribute ("keras.layers.Dense",
"tf.reduce_mean", "numpy.mean"), or None where it is the program's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import libcst as cst

from torchtwin.translate.canonical import canonical, is_foreign
from torchtwin.translate.mentions import UNBOUND

FUNCTIONS = (cst.FunctionDef, cst.Lambda)
COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)


@cache
def public_names() -> Mapping[str, list[str]]:
    """Return what star imports of Keras's modules bind; scripts/make_public_names.py writes it."""
    path = Path(__file__).parent / "public_names.json"
    loaded: Mapping[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@dataclass
class Scope:
    """The names that one function, class or module binds: dotted names, aliases or None."""

    parent: Scope | None
    kind: str
    bound: dict[str, Any] = field(default_factory=dict)

    def bind(self, name: str, meaning: Any) -> None:
        if name in self.bound and self.bound[name] != meaning:
            meaning = None
        self.bound[name] = meaning

    def find(self, name: str) -> tuple[Any, Scope | None]:
        """Return what a name means here, and the scope that binds it."""
        scope: Scope | None = self
        own = True
        while scope is not None:
            if name in scope.bound and (own or scope.kind != "class"):
                return scope.bound[name], scope
            own, scope = False, scope.parent
        return None, None


class Names(cst.CSTVisitor):
    """The meaning of every name in a module."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        self.module_scope = Scope(None, "module")
        self._stack = [self.module_scope]
        self._scopes: dict[cst.CSTNode, Scope] = {}
        self._known: dict[cst.CSTNode, str | None] = {}
        self._stars: list[str] = []
        module.visit(self)
        self._bind_stars()
        bound = self.bound_anywhere()
        self._unbound = {k: v for k, v in UNBOUND.items() if k not in bound}

    def _bind_stars(self) -> None:
        """Bind what `from keras.layers import *` brings, of what the program names."""
        used = {n.value for n in self._scopes if isinstance(n, cst.Name)}
        meanings: dict[str, str] = {}
        for package in self._stars:
            public = public_names().get(canonical(package), ())
            meanings |= {name: canonical(f"{package}.{name}") for name in used.intersection(public)}
        for name, meaning in meanings.items():
            self.module_scope.bound.setdefault(name, meaning)

    def of(self, node: cst.CSTNode | None) -> str | None:
        """Return the canonical name that `node` stands for, None where it is not imported."""
        if node is None:
            return None
        if node not in self._known:
            self._known[node] = None  # an alias of itself means nothing
            self._known[node] = self._resolved(node)
        return self._known[node]

    def _resolved(self, node: cst.CSTNode) -> str | None:
        if isinstance(node, cst.Attribute):
            inner = self.of(node.value)
            return canonical(f"{inner}.{node.attr.value}") if inner else None
        if not isinstance(node, cst.Name) or node not in self._scopes:
            return None
        meaning, scope = self._scopes[node].find(node.value)
        if scope is None:
            return self._unbound.get(node.value)
        if isinstance(meaning, str):
            return meaning
        return self.of(meaning) if isinstance(meaning, cst.CSTNode) else None

    def bound_anywhere(self) -> set[str]:
        """Return every name that the program binds in some scope."""
        scopes = {id(s): s for s in [self.module_scope, *self._scopes.values()]}
        found: set[str] = set()
        for scope in scopes.values():
            current: Scope | None = scope
            while current is not None:
                found.update(current.bound)
                current = current.parent
        return found

    def own(self) -> set[str]:
        """Return the names that the program itself gives a meaning, imports of Keras left out."""
        scopes = {id(s): s for s in [self.module_scope, *self._scopes.values()]}
        found: set[str] = set()
        for scope in scopes.values():
            current: Scope | None = scope
            while current is not None:
                if current.kind != "class":
                    found |= {
                        name
                        for name, meaning in current.bound.items()
                        if not isinstance(meaning, str) or not is_foreign(meaning)
                    }
                current = current.parent
        return found

    # What binds names.

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Note the scope of each name, and what each statement binds."""
        scope = self._stack[-1]
        if isinstance(node, cst.Name):
            self._scopes[node] = scope
        _bind(scope, node)
        if isinstance(node, cst.ImportFrom) and isinstance(node.names, cst.ImportStar):
            self._stars += [dotted_name(node.module)] if node.module is not None else []
        if isinstance(node, cst.ClassDef):
            self._visit_class(node)
            return False
        if isinstance(node, FUNCTIONS + COMPREHENSIONS):
            if isinstance(node, cst.FunctionDef):
                self._outside(node)
            self._stack.append(Scope(scope, "function"))
            if isinstance(node, cst.FunctionDef):
                for part in (node.params, node.body):
                    part.visit(self)
                self._stack.pop()
                return False
        return not isinstance(node, cst.Import | cst.ImportFrom)

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, (cst.Lambda, *COMPREHENSIONS)):
            self._stack.pop()

    def _outside(self, node: cst.FunctionDef) -> None:
        """Visit what belongs to the scope around a function: its decorators and its name."""
        for decorator in node.decorators:
            decorator.visit(self)
        if node.returns is not None:
            node.returns.visit(self)

    def _visit_class(self, node: cst.ClassDef) -> None:
        for part in (*node.decorators, *node.bases, *node.keywords):
            part.visit(self)
        self._stack.append(Scope(self._stack[-1], "class"))
        node.body.visit(self)
        self._stack.pop()


def _bind(scope: Scope, node: cst.CSTNode) -> None:
    """Note what a node binds in its scope."""
    match node:
        case cst.Import(names=names):
            for alias in names:
                _import(scope, alias)
        case cst.ImportFrom():
            _import_from(scope, node)
        case cst.FunctionDef(name=name) | cst.ClassDef(name=name) | cst.Param(name=name):
            scope.bind(name.value, None)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=bound))], value=value):
            scope.bind(bound, value if isinstance(value, cst.Name | cst.Attribute) else None)
        case cst.Assign(targets=targets):
            for target in targets:
                _bind_targets(scope, target.target)
        case cst.AnnAssign(target=target) | cst.AugAssign(target=target) | cst.For(target=target):
            _bind_targets(scope, target)
        case cst.CompFor(target=target) | cst.NamedExpr(target=target) | cst.AsName(name=target):
            _bind_targets(scope, target)


def _import(scope: Scope, alias: cst.ImportAlias) -> None:
    dotted = dotted_name(alias.name)
    if alias.asname is not None:
        scope.bind(dotted_name(alias.asname.name), canonical(dotted))
    else:
        root = dotted.partition(".")[0]
        scope.bind(root, canonical(root))


def _import_from(scope: Scope, node: cst.ImportFrom) -> None:
    if node.relative or node.module is None or isinstance(node.names, cst.ImportStar):
        return
    package = dotted_name(node.module)
    for alias in node.names:
        name = dotted_name(alias.name)
        bound = name if alias.asname is None else dotted_name(alias.asname.name)
        scope.bind(bound, canonical(f"{package}.{name}"))


def _bind_targets(scope: Scope, target: cst.CSTNode) -> None:
    for name in target_names(target):
        scope.bind(name, None)


def target_names(target: cst.CSTNode) -> Iterator[str]:
    """Yield the names that an assignment to `target` binds."""
    match target:
        case cst.Name(value=name):
            yield name
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from target_names(element.value)
        case cst.StarredElement(value=inner):
            yield from target_names(inner)


def dotted_name(node: cst.CSTNode) -> str:
    """Return `a.b.c` as written, "" for anything else."""
    match node:
        case cst.Name(value=name):
            return name
        case cst.Attribute(value=inner, attr=attr):
            before = dotted_name(inner)
            return f"{before}.{attr.value}" if before else ""
    return ""
