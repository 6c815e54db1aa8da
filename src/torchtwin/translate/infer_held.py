"""What comprehensions and dicts hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from torchtwin.translate.kinds import UNKNOWN, Kind, joined

if TYPE_CHECKING:
    from torchtwin.translate.infer import Body


def comprehension(
    body: Body, elt: cst.BaseExpression, loop: cst.CompFor, *more: cst.BaseExpression
) -> tuple[Kind, ...]:
    """Return the kinds of what a comprehension makes each time."""
    saved = dict(body.env)
    current: cst.CompFor | None = loop
    while current is not None:
        body.assign(current.target, body.iterated(current.iter))
        for condition in current.ifs:
            body.expr(condition.test)
        current = current.inner_for_in
    kinds = tuple(body.expr(each) for each in (elt, *more))
    body.env = saved
    return kinds


def made_dict(body: Body, node: cst.Call, arguments: list[Kind]) -> Kind:
    """`dict(a=x)`, `dict(other)`, `dict(zip(names, values))`."""
    if all(arg.keyword for arg in node.args):
        return Kind("dict", of="string", item=joined(*arguments)) if node.args else Kind("dict")
    first = arguments[0]
    pair = first if first.what == "dict" else body.iterated(node.args[0].value)
    if len(node.args) > 1 or len(pair.items) != 2:
        return first if first.what == "dict" else UNKNOWN
    return Kind("dict", of=pair.items[0].what, item=pair.items[1])


def written_dict(body: Body, parts: object) -> Kind:
    """A dict that is written out; `of` tells what its keys are."""
    keys, values = [], []
    for part in parts if isinstance(parts, list | tuple) else ():
        inner = body.expr(part.value)
        starred = isinstance(part, cst.StarredDictElement)
        keys.append(Kind(inner.of or "unknown") if starred else body.expr(part.key))
        values.append(inner.element if starred else inner)
    return Kind("dict", of=joined(*keys).what, item=joined(*values)) if keys else Kind("dict")
