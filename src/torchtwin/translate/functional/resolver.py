"""The canonical name of an expression that the desugaring has made or moved."""

from __future__ import annotations

import libcst as cst
import libcst.matchers as m

from torchtwin.translate import names
from torchtwin.translate.canonical import canonical
from torchtwin.translate.search import findall


class Resolver:
    """Canonical names by the text of an expression: `names` knows the nodes it has seen alone."""

    def __init__(self, module: cst.Module) -> None:
        known = names.Names(module)
        found = known.module_scope.bound
        self.aliases = {name: value for name, value in found.items() if isinstance(value, str)}
        clashes: set[str] = set()
        for node in findall(module, m.Name()):
            name, meaning = node.value, known.of(node)
            if meaning is not None and self.aliases.setdefault(name, meaning) != meaning:
                clashes.add(name)
        self.aliases = {k: v for k, v in self.aliases.items() if k not in clashes}

    def qualified(self, node: cst.BaseExpression) -> str | None:
        """Return the canonical dotted name of an expression, None where it has none."""
        head, _, rest = names.dotted_name(node).partition(".")
        if head not in self.aliases:
            return None
        return canonical(f"{self.aliases[head]}.{rest}" if rest else self.aliases[head])
