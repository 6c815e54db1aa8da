"""Which Keras layers are translated: the table of `torchtwin layers` and of docs/layers.md."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

INTRODUCTION = """\
# Layers

Written by `scripts/make_docs.py` from the rules themselves; do not edit.

torchtwin translates {supported} of the {total} layers of Keras 3, {older} classes that older
versions wrote, and {operations} operations of `keras.ops` between layers (`ops.` in the table). A
layer that is listed as not yet, and an argument that a rule does not know, is refused by name:
nothing is guessed.
"""


@dataclass(frozen=True)
class Support:
    """A class of layer: `file` is where its rule is, "" when there is none."""

    name: str
    file: str
    cases: int
    keras: bool

    @property
    def supported(self) -> bool:
        return bool(self.file)


def support() -> list[Support]:
    """Return every layer of Keras, every other class that has a rule, and operations, by name."""
    from torchtwin.rule import rules
    from torchtwin.view import defaults

    known, found = defaults(), rules()
    names = {n for n in {*known, *found} - _BASES if not n.startswith(_INTERNAL)}
    return [
        Support(name, _file(name), len(found[name].cases) if name in found else 0, name in known)
        for name in sorted(names, key=lambda n: (n.startswith(OPERATION), n))
    ]


OPERATION, _INTERNAL = "ops.", "steps."
"""How the rules of operations are called, and those that only other rules use."""
_BASES = {"Layer", "Wrapper", "GlobalPooling"}
"""What Keras exports beside its layers to inherit from."""


def _file(name: str) -> str:
    """Return the file that holds the rule of a class, below src/."""
    from torchtwin.graph import MODEL_CLASSES
    from torchtwin.rule import rules

    if name == "InputLayer" or name in MODEL_CLASSES:
        return "torchtwin/build.py"
    rule = rules().get(name)
    if rule is None:
        return ""
    module = inspect.getmodule(rule.function)
    assert module is not None
    return module.__name__.replace(".", "/") + ".py"


def markdown() -> str:
    """Return the text of docs/layers.md."""
    rows = support()
    own = [row for row in rows if row.keras]
    text = INTRODUCTION.format(
        supported=sum(row.supported for row in own),
        total=len(own),
        older=sum(not row.keras and not row.name.startswith(OPERATION) for row in rows),
        operations=sum(row.name.startswith(OPERATION) for row in rows),
    )
    lines = [text, "| Layer | Rule | Test cases |", "|---|---|---:|"]
    for row in rows:
        rule = f"[{row.file}](../src/{row.file})" if row.file else "not yet"
        lines.append(f"| {row.name} | {rule} | {row.cases or ''} |")
    return "\n".join(lines) + "\n"
