"""Names the values of a `forward`, and prints its statements.

A value that only the next statement uses is `x`, as people write chains; one that lives longer
has the name of its Keras layer. Where such values follow one another, as in residual networks,
they share the name `skip`: a name of its own would keep each in memory to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torchtwin.emit.expressions import is_helper
from torchtwin.expr import Binary, Call, Expr, Item, Part, Unpacked, Var, children, variables, walk
from torchtwin.names import identifiers
from torchtwin.program import Class, Statement

if TYPE_CHECKING:
    from torchtwin.emit.expressions import Printer

LONG_CHAIN = 3
"""Values that follow one another share a name from this many on."""


class Body:
    """The statements of one `forward`: dead ones left out, aliases followed, values named."""

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.alias = {s.value: s.expr.value for s in cls.statements if isinstance(s.expr, Var)}
        self.statements = self._alive()
        self.helpers = set(_helpers(self.statements))
        self.names = self._names()
        self.parts: dict[int, dict[tuple[int, ...], str]] = {}

    def root(self, value: str) -> str:
        while value in self.alias:
            value = self.alias[value]
        return value

    def name_of(self, value: str) -> str:
        return self.names[self.root(value)]

    def uses(self, statement: Statement) -> list[str]:
        return [self.root(value) for value in variables(statement.expr)]

    def _alive(self) -> list[Statement]:
        wanted = {self.root(o.value) for o in self.cls.outputs}
        kept: list[Statement] = []
        for statement in reversed(self.cls.statements):
            if statement.value in wanted and not isinstance(statement.expr, Var):
                kept.append(statement)
                wanted.update(self.uses(statement))
        return kept[::-1]

    def _groups(self) -> list[list[Statement]]:
        """Return the statements, those that use parts of one tuple together."""
        groups: list[list[Statement]] = []
        for statement in self.statements:
            wholes = _wholes(statement.expr)
            if groups and wholes & _wholes(groups[-1][-1].expr):
                groups[-1].append(statement)
            else:
                groups.append([statement])
        return groups

    def _names(self) -> dict[str, str]:
        groups = self._groups()
        last = len(groups)
        users: dict[str, set[int]] = {}
        for k, group in enumerate(groups):
            for statement in group:
                for value in self.uses(statement):
                    users.setdefault(value, set()).add(k)
        for output in self.cls.outputs:
            users.setdefault(self.root(output.value), set()).add(last)
        names = self._input_names(users)
        wanted: dict[str, str] = {}
        for k, group in enumerate(groups):
            for statement in group:
                alone = len(group) == 1 and (k + 1 < last or len(self.cls.outputs) == 1)
                alone = alone and not _is_mask(statement)
                if alone and users.get(statement.value) == {k + 1}:
                    names[statement.value] = "x"
                else:
                    wanted[statement.value] = _wish(statement)
        shared = self._shared(groups, wanted, users)
        own = {value: word for value, word in wanted.items() if value not in shared}
        return (
            names | shared | _unique(own, {"x", *names.values(), *shared.values(), *self.helpers})
        )

    def _shared(
        self,
        groups: list[list[Statement]],
        wanted: Mapping[str, str],
        users: Mapping[str, set[int]],
    ) -> dict[str, str]:
        """Return one name for values of which each begins when the one before has ended."""
        chains: list[list[str]] = []
        for k, group in enumerate(groups):
            value = group[0].value
            lasting = value in wanted and max(users[value]) < len(groups)
            if len(group) > 1 or not lasting or _is_mask(group[0]) or _wholes(group[0].expr):
                continue
            chain = next((c for c in chains if max(users[c[-1]]) <= k), None)
            if chain is None:
                chains.append(chain := [])
            chain.append(value)
        long = [chain for chain in chains if len(chain) >= LONG_CHAIN]
        words = _unique(
            {str(k): "skip" for k in range(len(long))}, {a.name for a in self.cls.inputs}
        )
        return {value: words[str(k)] for k, chain in enumerate(long) for value in chain}

    def _input_names(self, users: Mapping[str, set[int]]) -> dict[str, str]:
        inputs = self.cls.inputs
        if len(inputs) == 1 and users.get(inputs[0].value, {0}) <= {0}:
            return {inputs[0].value: "x"}
        taken = {"x"} if len(inputs) > 1 else set()
        return _unique({a.value: a.name for a in inputs}, taken | self.helpers)

    def part_name(self, part: Part) -> str:
        return self.parts[id(part.whole)][part.path]

    def lines(self, printer: Printer) -> Iterator[str]:
        """Yield the lines of the body of `forward`."""
        groups = self._groups()
        outputs = [o.value for o in self.cls.outputs]
        shapes: dict[str, Any] = {a.value: a.shape for a in self.cls.inputs}
        for k, group in enumerate(groups):
            yield from self._unpacking(group, printer)
            for statement in group:
                if isinstance(statement.expr, Part):
                    shapes[statement.value] = statement.shape
                    continue
                comment = self._comment(statement, shapes)
                last = k == len(groups) - 1
                if last and len(outputs) == 1 and self.root(outputs[0]) == statement.value:
                    yield f"return {printer(statement.expr)}{comment}"
                    return
                yield f"{self.name_of(statement.value)} = {printer(statement.expr)}{comment}"
        yield f"return {', '.join(self.name_of(value) for value in outputs)}"

    def _comment(self, statement: Statement, shapes: dict[str, Any]) -> str:
        """Return a comment with the shape, where it is not that of the first operand."""
        from torchtwin.emit.source import shape_text

        shapes[statement.value] = statement.shape
        used = self.uses(statement)
        changed = statement.shape and (not used or shapes.get(used[0]) != statement.shape)
        return f"  # {shape_text(statement.shape)}" if changed and statement.shape else ""

    def _unpacking(self, group: list[Statement], printer: Printer) -> Iterator[str]:
        """Yield the line that unpacks a tuple of which this group uses parts."""
        wholes: dict[int, Unpacked] = {}
        used: dict[int, dict[tuple[int, ...], str]] = {}
        taken = {*self.names.values(), *self.helpers}
        for statement in group:
            for node in _parts(statement.expr):
                wholes[id(node.whole)] = node.whole
                paths = used.setdefault(id(node.whole), {})
                if node is statement.expr:
                    paths[node.path] = self.name_of(statement.value)
                elif node.path not in paths:
                    free = taken - {"x"} if self._x_is_free(group) else taken
                    paths[node.path] = _fresh(_suggested(node), free)
                    taken.add(paths[node.path])
        self.parts |= used
        for key, whole in wholes.items():
            shape = next((s.shape for s in group if isinstance(s.expr, Part)), None)
            yield f"{_targets(whole.names, used[key], ())} = {printer(whole.expr)}" + _shape(shape)

    def _x_is_free(self, group: list[Statement]) -> bool:
        """Tell whether `x` holds nothing that is used behind the line that unpacks."""
        if any(self.name_of(statement.value) == "x" for statement in group[:-1]):
            return False
        return all("x" not in map(self.name_of, _behind(s.expr)) for s in group)


def _parts(node: Any) -> Iterator[Part]:
    """Yield the parts that an expression uses, those inside a tuple before the tuple's own."""
    for child in children(node):
        yield from _parts(child)
    if isinstance(node, Part):
        yield node


def _behind(node: Any) -> Iterator[str]:
    """Yield the values that an expression uses outside the tuples that it unpacks."""
    if isinstance(node, Var):
        yield node.value
    elif not isinstance(node, Part):
        for child in children(node):
            yield from _behind(child)


def _shape(shape: Any) -> str:
    from torchtwin.emit.source import shape_text

    return f"  # {shape_text(shape)}" if shape else ""


def _wholes(expr: Expr) -> set[int]:
    return {id(node.whole) for node in walk(expr) if isinstance(node, Part)}


def _suggested(part: Part) -> str:
    names: Any = part.whole.names
    for k in part.path:
        names = names[k]
    return str(names)


def _targets(names: Any, used: Mapping[tuple[int, ...], str], path: tuple[int, ...]) -> str:
    if not isinstance(names, tuple):
        return used.get(path, "_")
    if not any(p[: len(path)] == path for p in used):
        return "_"
    inner = ", ".join(_targets(n, used, (*path, k)) for k, n in enumerate(names))
    return f"({inner})" if path else inner


def _helpers(statements: Sequence[Statement]) -> Iterator[str]:
    """Yield the names of the functions that a body calls; as variables they would hide them."""
    for statement in statements:
        for node in walk(statement.expr):
            function = node.function if isinstance(node, Call) else node
            if is_helper(function):
                yield function.__name__


def _is_mask(statement: Statement) -> bool:
    """Tell whether a value says which steps count; it deserves a name of its own."""
    expr = statement.expr
    compared = isinstance(expr, Binary) and expr.symbol in ("==", "!=")
    return ".mask" in statement.value or compared


def _wish(statement: Statement) -> str:
    """Return the name that a long-lived value should have."""
    layer, _, rest = statement.value.rpartition("@")
    word = identifiers([layer])[layer]
    if ".mask" in rest:
        return f"{word}_mask"
    expr = statement.expr
    while isinstance(expr, Item):
        expr = expr.subject
    if isinstance(expr, Part) and expr.path != (0,) and _suggested(expr) != word:
        return f"{word}_{_suggested(expr)}"
    return word


def _unique(wanted: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    names = {}
    taken = set(taken)
    for value, word in wanted.items():
        names[value] = _fresh(word, taken)
        taken.add(names[value])
    return names


def _fresh(word: str, taken: set[str]) -> str:
    name, count = word, 1
    while name in taken:
        count += 1
        name = f"{re.sub(r'_$', '', word)}_{count}"
    return name
