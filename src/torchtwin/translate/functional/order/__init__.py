"""Puts the layers of the new classes in the order in which the Functional model keeps them.

Whoever loads the weights of the original model, as `model.get_weights()` gives them, relies on
it. Where attributes cannot be in that order, since a list holds layers between which others come,
the order is told instead.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import libcst as cst

from torchtwin.translate.functional.naming import weightless
from torchtwin.translate.functional.order.arrange import Unmovable, arranged
from torchtwin.translate.functional.order.evaluate import TooLong
from torchtwin.translate.functional.order.follow import Follower
from torchtwin.translate.functional.order.graph import operations
from torchtwin.translate.functional.order.symbols import Leaf, Made, Tensor, layers, tensors
from torchtwin.translate.functional.program import Program


@dataclass
class Ordered:
    """A module whose classes keep their layers in order; where they cannot, `paths` tells it."""

    module: cst.Module
    paths: dict[str, list[str]] = field(default_factory=dict)


def in_order(
    program: Program, module: cst.Module, models: Collection[str], parts: Collection[str]
) -> Ordered:
    """Return a module with the layers of these classes in the order of the original's weights."""
    moved: set[str] = set()
    for _ in range(len(parts) + len(models) + 1):
        follower = _followed(program, module, models, parts)
        wrong = [
            name for made in _roots(follower, models, parts) for name in _wrong(follower, made)
        ]
        name = next((n for n in wrong if n not in moved), None)
        if name is None:
            break
        moved.add(name)
        try:
            ranks = _ranks(follower, name, _roots(follower, models, parts))
            module = _with_class(module, name, ranks)
        except Unmovable:
            continue
    follower = _followed(program, module, models, parts)
    paths: dict[str, list[str]] = {}
    for made in _roots(follower, models, parts):
        with _apart(follower, made):
            wanted, found = _orders(follower, made)
            names = {id(layer): path for path, layer in layers(made.attributes_only())}
        if wanted != found:
            paths[made.name] = [names[key] for key in wanted]
    return Ordered(module, paths)


def _followed(
    program: Program, module: cst.Module, models: Collection[str], parts: Collection[str]
) -> Follower:
    def layer(node: ast.expr) -> str | None:
        func = cst.parse_expression(ast.unparse(node))
        if not program.kinds.makes_layer(func):
            return None
        return (program.names.qualified(func) or ast.unparse(node)).rpartition(".")[2]

    follower = Follower(ast.parse(module.code), layer, models, parts)
    follower.spliced = program.spliced
    for name in (*models, *parts):
        if not any(made.name == name for made in follower.made):
            follower.steps = 0
            try:
                follower.construct(name, (), {})
            except TooLong:
                continue
    return follower


def _roots(follower: Follower, models: Collection[str], parts: Collection[str]) -> list[Made]:
    """Return the models, and of parts that no model has, the parts."""
    roots = [made for made in follower.made if made.name in models]
    inside = {id(each) for made in roots for each in _inside(made)}
    lonely = [m for m in follower.made if m.name in parts and id(m) not in inside]
    within = {id(each) for made in lonely for each in _inside(made)}
    return roots + [made for made in lonely if id(made) not in within]


def _inside(made: Made) -> list[Made]:
    found: list[Made] = []
    stack: list[object] = list(made.attributes.values())
    while stack:
        value = stack.pop()
        if isinstance(value, Made) and not value.one:
            found.append(value)
            stack += value.attributes.values()
        elif isinstance(value, list | tuple):
            stack += value
        elif isinstance(value, dict):
            stack += value.values()
    return found


def _applied(follower: Follower, made: Made) -> list[object]:
    """Return what the model applies, in Keras's order."""
    function = follower.method(made.name, "call")
    count = len(function.args.args) - 1 if function else 0
    follower.steps = 0
    try:
        result = follower.applied(made, [Tensor() for _ in range(count)], {})
    except TooLong:
        return []
    return operations(list(tensors(result)))


@contextmanager
def _apart(follower: Follower, made: Made) -> Iterator[None]:
    """Take apart the models whose own tensors a model goes on from: its layers are theirs."""
    names = follower.spliced.get(made.name, set())
    inner = [v for k, v in made.attributes.items() if k in names and isinstance(v, Made)]
    for each in inner:
        each.apart = True
    yield
    for each in inner:
        each.apart = False


def _orders(follower: Follower, made: Made) -> tuple[list[int], list[int]]:
    """Return the layers with weights in Keras's order, and as the attributes have them."""
    own = {id(layer): layer for _, layer in layers(made.attributes_only())}
    heavy = {k for k, v in own.items() if not (isinstance(v, Leaf) and weightless(v.name))}
    wanted = [id(each) for each in _applied(follower, made) if id(each) in heavy]
    found = [key for key in own if key in set(wanted)]
    return wanted, found


def _wrong(follower: Follower, made: Made) -> list[str]:
    """Return the classes in a model that are to be arranged: parts first."""
    with _apart(follower, made):
        wanted, found = _orders(follower, made)
    if wanted == found:
        return []
    return list(dict.fromkeys([*(each.name for each in reversed(_inside(made))), made.name]))


def _ranks(follower: Follower, name: str, roots: list[Made]) -> dict[str, int]:
    """Return the attributes of a class by the place that their first layer should have."""
    best: dict[str, int] = {}
    for root in roots:
        with _apart(follower, root):
            found = _ranked(follower, name, root)
        best = found if len(found) >= len(best) else best
    return best


def _ranked(follower: Follower, name: str, root: Made) -> dict[str, int]:
    best: dict[str, int] = {}
    wanted, _ = _orders(follower, root)
    place = {key: index for index, key in enumerate(wanted)}
    for made in [root, *_inside(root)]:
        own: dict[str, int] = {}
        for attribute, value in made.attributes.items() if made.name == name else ():
            found = [place[id(each)] for _, each in layers(value, attribute) if id(each) in place]
            if found:
                own[attribute] = min(found)
        if len(own) >= len(best):
            best = {a: i for i, a in enumerate(sorted(own, key=lambda a: own[a]))}
    return best


def _with_class(module: cst.Module, name: str, ranks: dict[str, int]) -> cst.Module:
    statements = [
        arranged(node, ranks)
        if isinstance(node, cst.ClassDef) and node.name.value == name
        else node
        for node in module.body
    ]
    return module.with_changes(body=statements)
