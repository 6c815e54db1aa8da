"""`super().__init__()` stands before modules: nn.Module takes none before it, Keras does.

A Keras layer notes its attributes before `Layer.__init__` as well (keras/src/layers/layer.py,
`__new__`), and many old programs call it last.
"""

from __future__ import annotations

from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.nn.penalties import penalize_output
from torchtwin.translate.program import Program
from torchtwin.translate.search import findall
from torchtwin.translate.values import text_of

OPENING = "super().__init__()"
GIVEN = "activity_regularizer"


def opened(node: cst.ClassDef) -> cst.ClassDef:
    """Move the call of nn.Module's `__init__` to where nothing that it must know stands before."""
    method: Any
    for method in node.body.body:
        if _is_init(method):
            statements: list[Any] = list(method.body.body)
            place = next((k for k, s in enumerate(statements) if _opens(s)), 0)
            first = next((k for k, s in enumerate(statements[:place]) if _holds(node, s)), place)
            if first == place:
                return node
            statements.insert(first, statements.pop(place))
            body = method.body.with_changes(body=statements)
            return node.with_deep_changes(method, body=body)
    return node


def _opens(statement: Any) -> bool:
    simple = isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1
    return simple and text_of(statement.body[0]) == OPENING


def _holds(cls: cst.ClassDef, statement: Any) -> bool:
    """Tell whether a statement sets an attribute to what may be a module or hold weights."""
    for node in findall(statement, m.Assign() | m.AnnAssign()):
        marks: Any = getattr(node, "targets", [node])
        names = [text_of(t.target) for t in marks if text_of(t.target).startswith("self.")]
        value = getattr(node, "value", None)
        if names and value is not None and findall(value, m.Call()):
            return True
        if any(_is_used(cls, name) for name in names):
            return True
    return False


def _is_used(cls: cst.ClassDef, name: str) -> bool:
    """Tell whether an attribute is called, asked for something, or handed on."""
    own = m.Attribute(value=m.Name("self"), attr=m.Name(name.removeprefix("self.")))
    return bool(
        findall(cls, m.Call(func=own) | m.Attribute(value=own) | m.For(iter=own) | m.Arg(value=own))
    )


def with_penalty(program: Program, node: cst.ClassDef) -> cst.ClassDef:
    """Give a class with an `activity_regularizer` of its own a hook that heeds it.

    keras/src/layers/layer.py, `__call__`: the layer adds what the regularizer says of its output
    to the losses, whether `Layer.__init__` was given it or the attribute was set.
    """
    own = m.Attribute(value=m.Name("self"), attr=m.Name(GIVEN))
    is_set = findall(node, m.AssignTarget(target=own) | m.AnnAssign(target=own))
    init: Any = next((s for s in node.body.body if _is_init(s)), None)
    if init is None:
        return node
    statements: list[Any] = []
    statement: Any
    for statement in init.body.body:
        penalty = _penalty(statement)
        if penalty is not None:
            statement = statement.with_changes(body=cst.parse_statement(OPENING).body)
        statements.append(statement)
        if not _opens(statement) or (penalty in (None, "None") and not is_set):
            continue
        if not is_set:
            statements.append(cst.parse_statement(f"self.{GIVEN} = {penalty}"))
        hook = program.name_of(penalize_output)
        statements.append(cst.parse_statement(f"self.register_forward_hook({hook})"))
    body = init.body.with_changes(body=statements)
    return node.with_deep_changes(init, body=body)


def _is_init(statement: Any) -> bool:
    return isinstance(statement, cst.FunctionDef) and statement.name.value == "__init__"


def _penalty(statement: Any) -> str | None:
    """Return what `super().__init__(activity_regularizer=...)` was given."""
    call = m.extract(
        statement,
        m.SimpleStatementLine(
            body=[m.Expr(m.Call(args=[m.Arg(m.SaveMatchedNode(m.DoNotCare(), "given"),
                                            keyword=m.Name(GIVEN))]))]
        ),
    )  # fmt: skip
    return None if call is None else text_of(call["given"])  # type: ignore[arg-type]
