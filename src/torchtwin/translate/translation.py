"""The way from a Keras program to a PyTorch program, on one screen."""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass

import libcst as cst

from torchtwin.errors import UnreadableModel
from torchtwin.translate.changes import Became
from torchtwin.translate.formatting import formatted_like
from torchtwin.translate.functional import Desugared, desugared
from torchtwin.translate.functional.asserted import with_comments
from torchtwin.translate.functional.resolver import Resolver
from torchtwin.translate.functional.sequential import with_lists
from torchtwin.translate.imports import report_imports, with_imports
from torchtwin.translate.infer import Kinds
from torchtwin.translate.inventory import Inventory
from torchtwin.translate.masking import class_names, explicit_masks
from torchtwin.translate.mentions import uses_keras
from torchtwin.translate.names import Names
from torchtwin.translate.program import Program
from torchtwin.translate.refusals import Refusals, Unresolved
from torchtwin.translate.rewriter import Rewriter
from torchtwin.translate.scopes import without_scopes
from torchtwin.translate.training import trains
from torchtwin.translate.values import Values

LONGEST, DEEPEST = 2_000_000, 350
"""Characters of a program, and levels of its syntax tree: a sum of n terms has n of them."""


@dataclass(frozen=True)
class Translation:
    """A translated program: its `source`, and what in it is `unresolved`, by line of the input.

    `became` tells of each name of Keras what it is in PyTorch, where that is first so, how often.
    """

    source: str
    unresolved: tuple[Unresolved, ...] = ()
    became: tuple[Became, ...] = ()


def translated(text: str) -> Translation:
    """Return a Keras program as a PyTorch program: see `torchtwin.translate`."""
    if not uses_keras(text):
        return Translation(text)
    if len(text) > LONGEST:
        raise UnreadableModel(f"a program of {len(text)} characters is too long")
    _refuse_depth(text)
    try:
        module = cst.parse_module(text)
    except (cst.ParserSyntaxError, RecursionError, ValueError) as error:
        raise UnreadableModel(f"this is not Python 3: {error}") from error
    return _rewritten(text, module)


def _refuse_depth(text: str) -> None:
    """Refuse what LibCST, whose parser has no limit of its own, would need too much stack for."""
    depth = 0
    try:
        level: list[ast.AST] = [ast.parse(text)]
        while level:
            level = [child for node in level for child in ast.iter_child_nodes(node)]
            depth += 1
    except (RecursionError, MemoryError):
        depth = DEEPEST + 1
    except (SyntaxError, ValueError):  # of a later Python, or of none
        opened = ((c in "([{") - (c in ")]}") for c in text)
        depth = max(itertools.accumulate(opened), default=0)
    if depth > DEEPEST:
        raise UnreadableModel(f"the program is nested deeper than {DEEPEST} levels")


def _rewritten(text: str, module: cst.Module) -> Translation:
    module = with_comments(module)
    done = desugared(module)
    found = _attempt(text, module, done)
    if done.functional and (found.unresolved or done.doubtful):
        names = Resolver(module)
        plain = Desugared(with_lists(without_scopes(module, names), names))
        other = _attempt(text, module, plain, graphs=True)
        if done.doubtful or len(other.unresolved) < len(found.unresolved):
            return other
    return found


def _attempt(
    text: str, module: cst.Module, done: Desugared, *, graphs: bool = False
) -> Translation:
    refusals = Refusals()
    own = class_names(module)
    module = refusals.numbered(module, done)
    if "mask" in text.lower():
        module = explicit_masks(module, refusals, class_names(module) - own)
    program = analysed(module, refusals)
    program.graphs = graphs
    rewritten = module.visit(Rewriter(program))
    result = with_imports(rewritten, program.helpers, program.own, program.features)
    if not refusals.found:
        report_imports(result, refusals)
    return Translation(
        formatted_like(text, result.code), refusals.sorted(), program.became.sorted()
    )


def analysed(module: cst.Module, refusals: Refusals) -> Program:
    """Return what is known of a program: names, classes, kinds."""
    names = Names(module)
    inventory = Inventory(names).of(module)
    kinds = Kinds(names, inventory).run(module)
    taken = frozenset(names.bound_anywhere())
    own = frozenset(names.own())
    program = Program(module, names, inventory, kinds, refusals, Values(names, kinds), taken, own)
    program.trains = trains(program)
    return program
