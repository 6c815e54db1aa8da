"""Parameters of methods: without `training`, and with a `name` where Keras's base takes one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.translate.inventory import Inventory
from torchtwin.translate.values import text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

NAME_READ = re.compile(r"\bself\.name\b")


def parameters(updated: cst.FunctionDef) -> cst.Parameters:
    """Return the parameters without `training`, and without a `**kwargs` that nothing uses."""
    params = updated.params
    changes: dict[str, Any] = {}
    for part in ("params", "kwonly_params"):
        given = getattr(params, part)
        kept = [p for p in given if p.name.value != "training"]
        if len(kept) < len(given):
            changes[part] = _last(kept)
    star = params.star_kwarg
    if isinstance(star, cst.Param) and not uses(updated.body, star.name.value):
        changes["star_kwarg"] = None
        if params.kwonly_params or not isinstance(params.star_arg, cst.Param):
            changes.setdefault("kwonly_params", _last(list(params.kwonly_params)))
        if not params.kwonly_params and "params" not in changes:
            changes["params"] = _last(list(params.params))
    bare = isinstance(params.star_arg, cst.ParamStar)
    if bare and not changes.get("kwonly_params", params.kwonly_params):
        changes["star_arg"] = cst.MaybeSentinel.DEFAULT
    return params.with_changes(**changes)


def named(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Let a layer be made with a name, as Keras's base takes it from `**kwargs`.

    Of what else the base takes, `trainable` and `dtype` are an error here, which Python raises.
    """
    params, star = updated.params, original.params.star_kwarg
    taken = isinstance(star, cst.Param) and uses(original.body, star.name.value)
    known = "name" in [p.name.value for p in (*params.params, *params.kwonly_params)]
    if taken and not known and not uses(updated.body, star.name.value):
        last = cst.Param(cst.Name("name"), default=cst.Name("None"), equal=_EQUAL)
        behind = params.kwonly_params or isinstance(params.star_arg, cst.Param | cst.ParamStar)
        part = "kwonly_params" if behind else "params"
        kept = [p.with_changes(comma=_comma(p)) for p in getattr(params, part)]
        params = params.with_changes(**{part: [*kept, last]}, star_kwarg=None)
        updated = updated.with_changes(params=params)
        known = True
    return (
        _with_name(rewriter, updated)
        if known and reads_name(rewriter.program.inventory, rewriter.cls)
        else updated
    )


_EQUAL = cst.AssignEqual(
    whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
)


def _comma(param: cst.Param) -> cst.Comma:
    if isinstance(param.comma, cst.Comma):
        return param.comma
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def reads_name(inventory: Inventory, cls: str) -> bool:
    """Tell whether a class, or one that comes from it, reads the name that Keras gives layers."""
    below = [c for c in inventory.classes if cls in inventory.bases(c)]
    texts = [text_of(inventory.classes[c]) for c in below]
    written = any(re.search(r"\bself\.name\s*=[^=]", text) for text in texts)
    return not written and any(NAME_READ.search(text) for text in texts)


def _with_name(rewriter: Rewriter, updated: Any) -> Any:
    """Keras calls a layer without a name by its class, in small letters."""
    small = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", rewriter.cls).lower()
    line = cst.parse_statement(f'self.name = name or "{small}"')
    body = list(updated.body.body)
    at = next((k for k, s in enumerate(body) if "super().__init__" in text_of(s)), -1)
    body.insert(at + 1, line)
    return updated.with_changes(body=updated.body.with_changes(body=body))


def _last(params: list[cst.Param]) -> list[cst.Param]:
    """Return parameters of which the last needs no comma on its line."""
    if params and isinstance(params[-1].comma, cst.Comma):
        after = params[-1].comma.whitespace_after
        if isinstance(after, cst.SimpleWhitespace):
            params[-1] = params[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return params


def uses(node: cst.CSTNode, name: str) -> bool:
    """Tell whether a name is read below a node."""
    if isinstance(node, cst.Name):
        return node.value == name
    return any(uses(child, name) for child in node.children)


FROM_CONFIG = """\
@classmethod
def from_config(cls, config):
    return cls(**config)
"""


def configurable(rewriter: Rewriter, updated: Any) -> Any:
    """Give a layer with a `get_config` the `from_config` that Keras's base has."""
    inventory, cls = rewriter.program.inventory, rewriter.program.inventory.classes
    name = updated.name.value
    above = [c for c in inventory.bases(name) if c in cls and c != name]
    if any(inventory.method(c, "get_config") is not None for c in above):
        return updated
    found = [inventory.method(name, m) is not None for m in ("get_config", "from_config")]
    if found != [True, False] or not isinstance(updated.body, cst.IndentedBlock):
        return updated
    line = cst.EmptyLine(indent=False)
    method = cst.ensure_type(cst.parse_statement(FROM_CONFIG), cst.FunctionDef)
    method = method.with_changes(leading_lines=[line])
    body = updated.body.with_changes(body=[*updated.body.body, method])
    return updated.with_changes(body=body)
