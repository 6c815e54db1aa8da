"""Which canonical name an expression has, such as "keras.layers.Dense"."""

from __future__ import annotations

from typing import Protocol

import libcst as cst

KERAS = ("tensorflow.keras", "tf.keras", "tensorflow.python.keras", "tf_keras", "keras.api")


class Names(Protocol):
    """What the desugaring asks of a program's names."""

    def qualified(self, node: cst.BaseExpression) -> str | None:
        """Return the canonical dotted name of an expression, None where it has none."""


def dotted(node: cst.BaseExpression) -> str | None:
    """Return `a.b.c` of names and attributes, None of anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr.value}"
    return None


def canonical(name: str) -> str:
    """Return the one name that Keras's several paths to the same thing have."""
    if name == "tensorflow" or name.startswith("tensorflow."):
        name = "tf" + name.removeprefix("tensorflow")
    for prefix in KERAS:
        if name == prefix or name.startswith(f"{prefix}."):
            return "keras" + name.removeprefix(prefix)
    return name


class Resolver(cst.CSTVisitor):
    """Names through imports and assignments of modules, wherever in the program they stand."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        self.aliases: dict[str, str] = {}
        module.visit(self)

    def qualified(self, node: cst.BaseExpression) -> str | None:
        """Return the canonical dotted name of an expression, None where it has none."""
        name = dotted(node)
        if name is None:
            return None
        head, _, rest = name.partition(".")
        if head not in self.aliases:
            return None
        return canonical(f"{self.aliases[head]}.{rest}" if rest else self.aliases[head])

    def visit_Import(self, node: cst.Import) -> None:
        """`import a.b as c`."""
        for alias in node.names:
            name = dotted(alias.name) or ""
            if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
                self.aliases[alias.asname.name.value] = canonical(name)
            else:
                head = name.split(".")[0]
                self.aliases[head] = canonical(head)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        """`from a import b as c`."""
        if isinstance(node.names, cst.ImportStar) or node.module is None or node.relative:
            return
        source = dotted(node.module)
        for alias in node.names:
            name = dotted(alias.name) or ""
            bound = alias.asname.name if alias.asname else alias.name
            if isinstance(bound, cst.Name):
                self.aliases[bound.value] = canonical(f"{source}.{name}")

    def visit_Assign(self, node: cst.Assign) -> None:
        """`L = tf.keras.layers`."""
        target = node.targets[0].target
        if isinstance(target, cst.Name) and (name := self.qualified(node.value)):
            self.aliases[target.value] = name
