"""Moves the statements that make layers into a given order."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.rewrite import (
    Statement,
    attributes_of,
    body,
    statements_of,
    text,
)
from torchtwin.translate.search import findall


class Unmovable(Exception):
    """The statements depend on each other in their order."""


def arranged(node: cst.ClassDef, ranks: Mapping[str, int]) -> cst.ClassDef:
    """Return a class whose layers are made in the order of `ranks`."""
    methods: list[Statement] = []
    for method in statements_of(node.body):
        if isinstance(method, cst.FunctionDef) and method.name.value in {"__init__", "build"}:
            statements = _sorted(statements_of(method.body), ranks)
            method = method.with_changes(body=body(statements))
        methods.append(method)
    return node.with_changes(body=node.body.with_changes(body=methods))


def _sorted(statements: list[Statement], ranks: Mapping[str, int]) -> list[Statement]:
    single = [part for statement in statements for part in _apart(statement, ranks)]
    keys = [_rank(statement, ranks) for statement in single]
    places = [index for index, key in enumerate(keys) if key is not None]
    chosen = sorted(places, key=lambda index: keys[index] or 0)
    result = list(single)
    for place, index in zip(places, chosen, strict=True):
        result[place] = single[index]
    result = _joined(result)
    _check(statements, result)
    return result


def _rank(statement: Statement, ranks: Mapping[str, int]) -> int | None:
    found = [ranks[name] for name in attributes_of(statement) if name in ranks]
    return min(found, default=None)


def _apart(statement: Statement, ranks: Mapping[str, int]) -> list[Statement]:
    """Return an `if` that makes several layers as one `if` for each."""
    if not isinstance(statement, cst.If) or statement.orelse is not None:
        return [statement]
    inner = statements_of(statement.body)
    if len([s for s in inner if _rank(s, ranks) is not None]) < 2:
        return [statement]
    if not all(_rank(s, ranks) is not None for s in inner):
        return [statement]
    return [statement.with_changes(body=body([s])) for s in inner]


def _joined(statements: list[Statement]) -> list[Statement]:
    """Put neighbours with the same condition under one `if`."""
    result: list[Statement] = []
    for statement in statements:
        last = result[-1] if result else None
        if isinstance(last, cst.If) and isinstance(statement, cst.If):
            alone = last.orelse is None and statement.orelse is None
            if alone and text(last.test) == text(statement.test):
                both = [*statements_of(last.body), *statements_of(statement.body)]
                result[-1] = last.with_changes(body=body(both))
                continue
        result.append(statement)
    return result


def _check(before: list[Statement], after: list[Statement]) -> None:
    """Refuse an order in which something is read before it is there."""
    if set(flow.at_entry(before)) != set(flow.at_entry(after)):
        raise Unmovable
    ranked = {name for statement in before for name in attributes_of(statement)}
    known: set[str] = set()
    for statement in after:
        reads = findall(statement, m.Attribute(m.Name("self"), m.Name()))
        own = set(attributes_of(statement))
        for node in reads:
            assert isinstance(node, cst.Attribute)
            if node.attr.value in ranked - known - own:
                raise Unmovable
        known |= own
    names = [name for statement in before for name in flow.bound(statement)]
    if len(names) != len(set(names)):
        raise Unmovable
