"""The text of docs/layers.md."""

from __future__ import annotations

from collections.abc import Sequence

from torchtwin.support import Support, support

INTRODUCTION = """\
# What is translated

Written by `scripts/make_docs.py` from the rules themselves; do not edit.

torchtwin translates {layers} of the {all_layers} layers of Keras 3, {older} classes that older
versions wrote, and {operations} functions of `keras.ops` and `keras.random`. What is listed as
refused is refused by name, with the reason and a way on; so is an argument that a rule does not
know. Nothing is guessed.

[Layers](#layers) · [Operations](#operations) · [Training](#training) · [Formats](#formats) ·
[Refused](#refused)
"""

LAYERS = """\
## Layers

An argument that is not translated may stand in a model at its default. Aliases (`Convolution2D`)
are what they stand for.
"""

OPERATIONS = """\
## Operations

Functions of `keras.ops` and `keras.random`, between layers, in layers of your own, and in programs;
operators and subscripts of tensors are among them, and so are TensorFlow's and `keras.backend`'s
that mean the same.
"""

TRAINING = """\
## Training

What a compiled model brings along into `train.py`. Your own classes and functions come with
`--custom FILE`.
"""

FORMATS = """\
## Formats

The content decides, never the name of the file.
"""

REFUSED = """\
## Refused
"""


def markdown() -> str:
    """Return the text of docs/layers.md."""
    rows = support()
    own = [r for r in rows if r.module == "layers" and r.keras and not r.refused]
    functions = [r for r in rows if r.module in ("ops", "random")]
    introduction = INTRODUCTION.format(
        layers=sum(r.supported for r in own),
        all_layers=len(own),
        older=sum(r.module == "layers" and not r.keras for r in rows),
        operations=sum(r.supported for r in functions),
    )
    parts = [introduction, LAYERS, _layers(rows), OPERATIONS, _names(functions)]
    parts += [TRAINING, _training(rows), FORMATS, _formats(), REFUSED, _refused(rows)]
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _layers(rows: Sequence[Support]) -> str:
    told = [
        (
            row.name,
            f"`{row.becomes.replace('|', chr(92) + '|')}`" if row.becomes else "",
            ", ".join(row.missing),
            f"[{row.file.removeprefix('torchtwin/')}](../src/{row.file})"
            if row.file
            else "not yet",
            str(row.cases or ""),
        )
        for row in rows
        if row.module == "layers" and not row.refused
    ]
    return _table(("Layer", "Becomes", "Not translated", "Rule", "Test cases"), told)


def _names(rows: Sequence[Support]) -> str:
    """Return the functions by the file that has them."""
    files: dict[str, list[str]] = {}
    for row in rows:
        if not row.refused:
            files.setdefault(row.file, []).append(f"{row.module}.{row.name}")
    told = [
        (
            ", ".join(names),
            f"[{file.removeprefix('torchtwin/')}](../src/{file})" if file else "not yet",
        )
        for file, names in sorted(files.items())
    ]
    return _table(("Functions", "Where"), told)


def _training(rows: Sequence[Support]) -> str:
    modules: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.module not in ("layers", "ops", "random") and row.file:
            modules.setdefault((row.module, row.file), []).append(row.name)
    told = [
        (f"[keras.{module}](../src/{file})", ", ".join(names))
        for (module, file), names in modules.items()
    ]
    return _table(("Module", "Translated"), told)


def _formats() -> str:
    """Return what is read, in the words of the readers themselves."""
    from torchtwin.readers import READERS, live

    told = []
    for reader in (*READERS, live):
        first = (reader.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        file = f"torchtwin/readers/{reader.__name__.rpartition('.')[2]}.py"
        told.append((first, f"[{file.removeprefix('torchtwin/')}](../src/{file})"))
    return _table(("What is read", "Where"), told)


def _refused(rows: Sequence[Support]) -> str:
    told = [
        (f"keras.{row.module}.{row.name}", row.refused.reason, row.refused.hint)
        for row in rows
        if row.refused
    ]
    return _table(("Name", "Why", "Try"), told)
