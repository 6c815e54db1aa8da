"""Reads an emitted program again: nothing may be in it but what the emitter writes.

Names and texts out of a file are in the program as checked identifiers and as literals. This is
the second lock on that door: whatever a rule might overlook, code out of a file is not written.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator

from torchtwin.errors import UnsupportedError

NODES = frozenset(
    """Add And AnnAssign Assign Attribute AugAssign BinOp BitAnd BitOr BitXor BoolOp Call ClassDef
    Compare Constant Dict DictComp Div Eq Expr FloorDiv For FormattedValue FunctionDef GeneratorExp
    Gt GtE If IfExp In Invert Is IsNot JoinedStr LShift Lambda List ListComp Load Lt LtE MatMult Mod
    Module Mult Name Not NotEq NotIn Or Pass Pow RShift Return Slice Starred Store Sub Subscript
    Tuple USub UnaryOp With alias arg arguments comprehension keyword withitem""".split()  # noqa: SIM905
)
"""What written classes and functions are made of. No imports, no exceptions, nothing global."""

FORBIDDEN = frozenset(
    """__import__ breakpoint compile delattr eval exec exit getattr globals help input locals
    memoryview open quit setattr vars""".split()  # noqa: SIM905
)
HOMES = frozenset(
    """argparse collections contextlib copy csv functools hashlib inspect itertools json math
    matplotlib model numpy operator os pathlib safetensors sys time torch torchmetrics typing
    urllib""".split()  # noqa: SIM905
)
"""Packages that programs import."""

REACHES = frozenset(
    """classes hub jit load ops package save serialization storage utils""".split()  # noqa: SIM905
)
"""Parts of torch that read and write files, or run code."""

FILE = ("__file__", "__init__")


def guarded(text: str, written: Collection[str], copied: Collection[str], own: bool = False) -> str:
    """Return the program when it is what was meant.

    `written` are the classes, functions and constants that were written for this model, `copied`
    those that are torchtwin's, or with `own` the author's, and are as they are.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _stopped(f"it is no Python ({error})") from None
    if not all(line.isprintable() for line in text.split("\n")):
        raise _stopped("it has characters that no one sees")
    known = _bound(tree) | {name for name in vars(builtins) if name not in FORBIDDEN}
    for place, statement in enumerate(tree.body):
        names = _names(statement)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            if not own and not _homes(statement) <= HOMES:
                raise _stopped(f"it imports {', '.join(_homes(statement))}")
        elif names and names <= set(written):
            _check(statement, known)
        elif not (names <= set(copied) if names else _is_text(statement, place)):
            raise _stopped(f"line {statement.lineno} is none of its parts")
    return text


def defined(text: str) -> list[str]:
    """Return the names that the statements of a text define."""
    return [name for statement in ast.parse(text).body for name in _names(statement)]


def _stopped(why: str) -> UnsupportedError:
    return UnsupportedError(
        f"the program that would be written is not as it was meant to be: {why}",
        hint="this is a mistake of torchtwin's: please report it, see SECURITY.md",
    )


def _names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement of the module defines."""
    match statement:
        case ast.ClassDef() | ast.FunctionDef():
            return {statement.name}
        case ast.Assign():
            return {t.id for target in statement.targets for t in _leaves(target)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _leaves(target: ast.expr) -> Iterator[ast.Name]:
    return (node for node in ast.walk(target) if isinstance(node, ast.Name))


def _homes(statement: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(statement, ast.ImportFrom):
        return {str(statement.module).partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in statement.names}


def _is_text(statement: ast.stmt, place: int) -> bool:
    """Tell whether a statement is the docstring in front, or the call of `main` at the end."""
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return place == 0
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return [ast.unparse(line) for line in statement.body] == ["main()", "end_processes()"]
    return False


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that the program binds itself."""
    found = {"self", "__file__"}
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.arg():
                found.add(node.arg)
            case ast.ClassDef() | ast.FunctionDef():
                found.add(node.name)
            case ast.alias():
                found.add(node.asname or node.name.partition(".")[0])
    return found


def _check(part: ast.stmt, known: Collection[str]) -> None:
    for node in ast.walk(part):
        problem = ""
        match node:
            case ast.Name() if node.id not in known:
                problem = f"the name {node.id}"
            case ast.Attribute() if node.attr.startswith("__") and node.attr not in FILE:
                problem = f"the attribute {node.attr}"
            case ast.Attribute(value=ast.Name(id="torch")) if node.attr in REACHES:
                problem = f"torch.{node.attr}"
            case _ if type(node).__name__ not in NODES:
                problem = f"a {type(node).__name__}"
        if problem:
            raise _stopped(f"{getattr(part, 'name', 'it')} has {problem}")
