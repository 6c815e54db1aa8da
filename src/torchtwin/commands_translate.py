"""`torchtwin translate`: a Keras program in, a PyTorch program out."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from torchtwin.errors import OutputError, UnreadableModel
from torchtwin.terminal import Screen, counted

if TYPE_CHECKING:
    from torchtwin.check.report import Report
    from torchtwin.translate.translation import Translation


def translate(options: argparse.Namespace) -> int:
    """Translate one file, write it, and show what became what."""
    from torchtwin.translate import translate as translated

    screen = Screen()
    path = Path(options.script)
    output = Path(options.output or f"{path.stem}_torch.py")
    if output.exists() and not options.force:
        raise OutputError(f"{output} exists already", where=str(output), hint="--force replaces it")
    with screen.busy(f"Translating {path}"):
        translation = translated(_read(path))
    _write(output, translation.source)
    if not options.json:
        _show(screen, translation, path, output)
    report = _checked(options, translation, path, output, screen)
    if options.json:
        print(json.dumps(_json(translation, path, output, report), indent=2))
    elif report is not None:
        _show_report(screen, report)
    return int(bool(translation.unresolved) or (report is not None and report.verdict != "agrees"))


def _checked(
    options: argparse.Namespace, translation: Translation, path: Path, output: Path, screen: Screen
) -> Report | None:
    if not (options.check or options.layer or options.input_shape):
        return None
    from torchtwin.check import check

    with screen.busy("Running both, in Keras and in PyTorch"):
        return check(path, output, translation, options.layer, options.input_shape)


def _show_report(screen: Screen, report: Report) -> None:
    first, *others = str(report).splitlines()
    styles = {"agrees": "green", "differs": "bold red"}
    screen.fact("checked", (first, styles.get(report.verdict, "yellow")))
    for line in others:
        screen.fact("", line)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableModel(f"{path} cannot be read: {error}", where=str(path)) from error


def _write(path: Path, text: str) -> None:
    """Write a whole file or none."""
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}", where=str(path)) from error
    finally:
        scratch.unlink(missing_ok=True)


def _json(
    translation: Translation, path: Path, output: Path, report: Report | None
) -> dict[str, object]:
    check = {} if report is None else {"check": report.to_dict()}
    return {
        "status": "unresolved" if translation.unresolved else "done",
        "script": str(path),
        "output": str(output),
        "became": [dataclasses.asdict(each) for each in translation.became],
        "unresolved": [dataclasses.asdict(each) for each in translation.unresolved],
        **check,
    }


def _show(screen: Screen, translation: Translation, path: Path, output: Path) -> None:
    if translation.became:
        rows = [(str(b.line), b.name, b.pytorch, str(b.count)) for b in translation.became]
        screen.table((">Line", "Keras", "PyTorch", ">Times"), rows)
    lines = translation.source.count("\n")
    screen.line((str(output), "bold"), f"  {counted(lines, 'line')}")
    if not translation.unresolved:
        same = translation.source == _read(path)
        screen.line("nothing in it is Keras's" if same else "nothing of Keras is left in it")
        return
    count = counted(len(translation.unresolved), "place")
    screen.line((f"{count} not translated, marked there with # torchtwin:", "bold red"))
    for each in translation.unresolved:
        screen.line(f"  {path}:{each.line}  ", (each.name, "bold"), f"  {each.reason}")
