"""keras.Sequential -> nn.Sequential, with a line for each module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.errors import UnsupportedError
from torchtwin.nn.graphs import modules_of, named
from torchtwin.nn.masked_sequential import MaskedSequential
from torchtwin.translate.layer_lists import looks_at_layers
from torchtwin.translate.program import Program
from torchtwin.translate.search import findall
from torchtwin.translate.values import text_of

INPUTS = ("keras.Input", "keras.layers.InputLayer", "keras.InputLayer")
KNOWN = {"layers", "name", "trainable", "stops"}
EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def sequential(program: Program, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """Return the nn.Sequential of a keras.Sequential; what tells its input shape is left out."""
    stops = _stops(original)
    func = cst.parse_expression("nn.Sequential" if stops is None else MaskedSequential.__name__)
    if stops is not None:
        program.helpers[MaskedSequential.__name__] = MaskedSequential
    given = [
        (before, after)
        for before, after in zip(original.args, updated.args, strict=True)
        if before.keyword is None or before.keyword.value == "layers"
    ]
    extra = {a.keyword.value for a in original.args if a.keyword} - KNOWN
    if extra or len(given) > 1:
        raise UnsupportedError(f"Sequential({', '.join(sorted(extra))}=...) is not translated")
    if not given:
        return cst.Call(func)
    before, after = given[0][0].value, given[0][1].value
    displays = isinstance(before, cst.List | cst.Tuple) and isinstance(after, cst.List | cst.Tuple)
    starred = displays and any(isinstance(e, cst.StarredElement) for e in before.elements)  # type: ignore[attr-defined]
    displays = displays and not (starred and program.graphs)
    if not displays or len(before.elements) != len(after.elements):  # type: ignore[attr-defined]
        return cst.Call(func, [cst.Arg(_without_inputs(program, before, after), star="*")])
    return _listed(program, func, before, after, stops or [])


def _without_inputs(program: Program, before: Any, after: Any) -> Any:
    """Return a list of modules without the inputs that may be among them."""
    calls = [c for c in findall(program.module, m.Call()) if isinstance(c, cst.Call)]
    if not program.graphs or not any(program.names.of(c.func) in INPUTS for c in calls):
        return after
    if isinstance(before, cst.ListComp):
        return after
    return cst.Call(cst.Name(program.name_of(modules_of)), [cst.Arg(after)])


def _stops(original: cst.Call) -> list[int] | None:
    """Return where masks end in a chain that hands them on (see `masking`), None for others."""
    given = next((a.value for a in original.args if a.keyword and a.keyword.value == "stops"), None)
    if not isinstance(given, cst.List):
        return None
    return [int(text_of(element.value)) for element in given.elements]


def is_contained(program: Program, outer: cst.Call | None, node: cst.Call) -> bool:
    """Tell whether an Input is an element of a Sequential, or is added to one."""
    if outer is None:
        return False
    if program.names.of(outer.func) == "keras.Sequential":
        lists = [a.value for a in outer.args if isinstance(a.value, cst.List | cst.Tuple)]
        return any(element.value is node for each in lists for element in each.elements)
    return isinstance(outer.func, cst.Attribute) and outer.func.attr.value == "add"


def adds_input(program: Program, node: cst.SimpleStatementLine) -> bool:
    """Tell whether a statement is `model.add(Input(...))`, which adds no module."""
    added = m.Call(func=m.Attribute(attr=m.Name("add")), args=[m.Arg(m.Call())])
    if not m.matches(node, m.SimpleStatementLine([m.Expr(added)])):
        return False
    call = cst.ensure_type(cst.ensure_type(node.body[0], cst.Expr).value, cst.Call)
    return program.names.of(cst.ensure_type(call.args[0].value, cst.Call).func) in INPUTS


def _listed(program: Program, func: Any, before: Any, after: Any, stops: Sequence[int]) -> cst.Call:
    opening = getattr(after, "lbracket", None)
    space = opening.whitespace_after if opening is not None else cst.SimpleWhitespace("")
    between = _between(space, after)
    args: list[cst.Arg] = []
    ends: list[int] = []
    counted = looks_at_layers(program)
    for k, (old, new) in enumerate(zip(before.elements, after.elements, strict=True)):
        called = old.value.func if isinstance(old.value, cst.Call) else old.value
        name = program.names.of(called)
        if name in INPUTS:  # its comments go to what stands before
            if args:
                args[-1] = args[-1].with_changes(comma=_with_comments(args[-1].comma, new.comma))
            else:
                space = _joined(space, getattr(new.comma, "whitespace_after", None))
            continue
        star = "*" if isinstance(old, cst.StarredElement) else ""
        ends += [len(args)] if k in stops else []
        new = _named(program, old, new) if counted else new
        args += _flat(new, star, name, between, counted=counted)
    args = _with_stops(args, ends, between)
    return _closed(func, args, space, getattr(after, "rbracket", None))


def _with_stops(args: list[cst.Arg], ends: list[int], between: cst.Comma) -> list[cst.Arg]:
    if not ends:
        return args
    comma = args[-1].comma
    places = cst.parse_expression(str(tuple(ends)))
    last = args[-1].with_changes(comma=between)
    stops = cst.Arg(places, keyword=cst.Name("stops"), equal=EQUAL, comma=comma)
    return [*args[:-1], last, stops]


def _closed(func: Any, args: list[cst.Arg], space: Any, closing: Any) -> cst.Call:
    if args and closing is not None and "\n" in text_of(closing.whitespace_before):
        comma = cst.Comma(whitespace_after=closing.whitespace_before)
        args[-1] = args[-1].with_changes(comma=comma)
    elif args and isinstance(args[-1].comma, cst.Comma):
        whitespace = args[-1].comma.whitespace_after
        if isinstance(whitespace, cst.SimpleWhitespace):
            args[-1] = args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return cst.Call(func, args, whitespace_before_args=space)


def _joined(first: Any, second: Any) -> Any:
    """Return whitespace with the comments of both, laid out like the first that breaks the line."""
    if not isinstance(second, cst.ParenthesizedWhitespace) or "#" not in text_of(second):
        return first
    if not isinstance(first, cst.ParenthesizedWhitespace):
        return second
    comment = second.first_line.comment
    line = cst.EmptyLine(second.indent, second.last_line, comment)
    own = [] if comment is None else [line]
    kept = [line for line in second.empty_lines if line.comment is not None]
    return first.with_changes(empty_lines=[*first.empty_lines, *own, *kept])


def _with_comments(comma: Any, other: Any) -> Any:
    space = _joined(comma.whitespace_after, getattr(other, "whitespace_after", None))
    return comma.with_changes(whitespace_after=space)


def _between(opening: Any, display: Any) -> cst.Comma:
    """Return a comma like those between the elements, without comments."""
    several = len(display.elements) > 1 and "\n" not in text_of(opening)
    space = display.elements[0].comma.whitespace_after if several else opening
    if isinstance(space, cst.ParenthesizedWhitespace):
        space = space.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
    else:
        space = cst.SimpleWhitespace(" ")
    return cst.Comma(whitespace_after=space)


def _named(program: Program, element: Any, made: Any) -> Any:
    """Return a module with the name by which a program may look for it."""
    call = element.value
    given = call.args if isinstance(call, cst.Call) and not program.graphs else ()
    for arg in given:
        if arg.keyword is not None and arg.keyword.value == "name":
            args = [cst.Arg(made.value), cst.Arg(arg.value)]
            return made.with_changes(value=cst.Call(cst.Name(program.name_of(named)), args))
    return made


def _flat(
    element: Any, star: Any, name: str | None, between: cst.Comma, *, counted: bool
) -> list[cst.Arg]:
    """Return a module and its activation as two entries, where layers are not `counted`."""
    value = element.value
    own = name is not None and name.startswith("keras.layers.")
    is_chain = isinstance(value, cst.Call) and text_of(value.func) == "nn.Sequential"
    if not own or not is_chain or counted:
        return [cst.Arg(value, star=star, comma=element.comma)]
    parts = [arg.with_changes(comma=between) for arg in value.args]
    parts[-1] = parts[-1].with_changes(comma=element.comma)
    return parts
