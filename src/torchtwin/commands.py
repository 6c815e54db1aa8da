"""What each command does and shows: one public call, then its result as text or as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchtwin.errors import TorchTwinError
from torchtwin.terminal import Screen, counted, size_text

if TYPE_CHECKING:
    from torchtwin.inspection import Inspection
    from torchtwin.summary import Counts
    from torchtwin.twin import Twin
    from torchtwin.verify.report import Report


def convert(options: argparse.Namespace) -> int:
    """`torchtwin convert`: translate, write, verify."""
    from torchtwin.convert import convert as converted
    from torchtwin.emit.folder import refuse_existing

    screen = Screen()
    folder = Path(options.output or f"{Path(options.model).stem}_torch")
    if not options.force:
        refuse_existing(folder)
    started = time.monotonic()
    with screen.busy(f"Translating {options.model}"):
        twin = converted(
            options.model, layout=options.layout, weights=options.weights, custom=options.custom,
            optimizer=options.optimizer, loss=options.loss, metrics=options.metrics,
            callbacks=options.callbacks,
        )  # fmt: skip
        twin = twin.optimize() if options.inference else twin
    with screen.progress("Writing") as progress:
        twin.save(folder, force=options.force, progress=progress)
    written = Written(folder, twin, time.monotonic() - started)
    if options.json:
        judged = _judged(options, twin, screen)
        print(json.dumps(_converted_json(options, written, judged), indent=2))
    else:
        _show_twin(screen, twin)
        _show_files(screen, written)
        judged = _judged(options, twin, screen)
        _show_verdict(screen, judged, known=False)
    return int(not isinstance(judged, str) and judged.verdict == "differs")


@dataclasses.dataclass(frozen=True)
class Written:
    """A twin and where it now lies."""

    folder: Path
    twin: Twin
    seconds: float

    @property
    def sizes(self) -> dict[str, int]:
        from torchtwin.emit.folder import FILES

        paths = [self.folder / name for name in sorted(FILES)]
        return {str(path): path.stat().st_size for path in paths if path.exists()}


def _judged(options: argparse.Namespace, twin: Twin, screen: Screen) -> Report | str:
    """Return the report of verification, or why there is none."""
    if options.no_verify:
        return "no: --no-verify"
    from torchtwin.verify import installed_judges, verify

    judges = installed_judges()
    if not judges:
        return "no: no Keras is installed here to compare with (pip install 'torchtwin[verify]')"
    with screen.busy("Verifying against Keras"):
        return verify(options.model, twin, weights=options.weights)


def _converted_json(
    options: argparse.Namespace, written: Written, judged: Report | str
) -> dict[str, Any]:
    from torchtwin.summary import counts, rows

    verdict = {"verdict": "skipped", "text": judged}
    verified = verdict if isinstance(judged, str) else judged.to_dict()
    return {
        "status": "differs" if verified["verdict"] == "differs" else "done",
        "model": str(options.model),
        "folder": str(written.folder),
        "layout": written.twin.layout,
        "files": written.sizes,
        "seconds": round(written.seconds, 3),
        "layers": [dataclasses.asdict(row) for row in rows(written.twin)],
        "parameters": dataclasses.asdict(counts(written.twin)),
        "training": _training_json(written.twin),
        "verification": verified,
    }


def _training_json(twin: Twin) -> dict[str, Any]:
    """Return what train.py does, or why there is none."""
    if twin.plan is None or twin.train is None:
        return {"written": False, "why": str(twin.untrained or "the model was not compiled")}
    losses = {t.output.name: t.loss.name for t in twin.plan.targets if t.loss is not None}
    metrics = [name for t in twin.plan.targets for name, _, _ in t.metrics]
    differences = list(twin.plan.differences)
    return {
        "written": True, "optimizer": twin.plan.optimizer.name, "losses": losses,
        "metrics": metrics, "differences": differences,
    }  # fmt: skip


def _show_twin(screen: Screen, twin: Twin) -> None:
    from torchtwin.summary import counts, rows

    found = rows(twin)
    screen.table(
        ("Layer", "Class", "PyTorch", "Output", ">Params"),
        [
            ("  " * r.depth + r.layer, r.class_name, r.became, r.shape,
             f"{r.parameters:,}" if r.parameters else "")
            for r in found
        ],
    )  # fmt: skip
    screen.line()
    count = counts(twin)
    if twin.inference:
        line = f"{count.keras:,} in Keras, {count.pytorch:,} in PyTorch, for inference alone"
        screen.fact("parameters", line)
    else:
        screen.fact("parameters", _count_line(count))


def _count_line(count: Counts) -> str:
    both = f"{count.keras - count.spare:,}"
    line = f"{both} in Keras, {both} in PyTorch"
    if count.constants:
        line += f" + {counted(count.constants, 'constant')} ({', '.join(count.names)})"
    if count.spare:
        line += f"; {count.spare:,} more in Keras are states of its random layers"
    return line


def _show_files(screen: Screen, written: Written) -> None:
    widest = max(map(len, written.sizes))
    texts = {"model.py": written.twin.source, "train.py": written.twin.train or ""}
    for k, (path, size) in enumerate(written.sizes.items()):
        digits = 1 if written.seconds < 10 else 0
        heading = f"wrote in {written.seconds:.{digits}f} s" if k == 0 else ""
        lines = texts.get(Path(path).name, "").count("\n")
        what = f"  {size_text(size)}" + (f", {counted(lines, 'line')}" if lines else "")
        screen.fact(heading, (path.ljust(widest), "bold"), (what, "dim"))
    if written.twin.untrained is not None:
        screen.fact("no train.py", str(written.twin.untrained))


KNOWN = "  known"
"""What lines of a report begin with that repeat the docstring of train.py."""


def _show_verdict(screen: Screen, judged: Report | str, *, known: bool = True) -> None:
    if isinstance(judged, str):
        screen.fact("verified", (judged, "yellow"))
        return
    first, *others = str(judged).splitlines()
    styles = {"agrees": "green", "differs": "bold red"}
    screen.fact("verified", (first, styles.get(judged.verdict, "yellow")))
    for line in others:
        if known or not line.startswith(KNOWN):
            screen.fact("", line.strip())


def verify(options: argparse.Namespace) -> int:
    """`torchtwin verify`: compare a folder that `convert` wrote with its Keras model."""
    from torchtwin.verify import verify as verified

    screen = Screen()
    with screen.busy("Verifying against Keras"):
        report = verified(
            options.model, Path(options.folder), weights=options.weights,
            optimizer=options.optimizer, loss=options.loss, metrics=options.metrics,
            custom=options.custom,
        )  # fmt: skip
    if options.json:
        print(json.dumps(report.to_dict(), indent=2))
    else:
        _show_verdict(screen, report)
    return int(not report.ok)


def inspect(options: argparse.Namespace) -> int:
    """`torchtwin inspect`: what is inside a file."""
    from torchtwin.inspection import inspect_model

    screen = Screen()
    with screen.busy(f"Reading {options.model}"):
        found = inspect_model(options.model, options.weights)
    if options.json:
        told = {"status": "done", **vars(found), "refusals": _refusals_json(found)}
        told["layers"] = [dataclasses.asdict(layer) for layer in found.layers]
        print(json.dumps(told, indent=2, default=str))
    else:
        _show_inspection(screen, Path(options.model), found)
    return 0


def _refusals_json(found: Inspection) -> list[dict[str, str]]:
    return [{"problem": r.problem, "at": r.where, "try": r.hint} for r in found.refusals]


def _show_inspection(screen: Screen, path: Path, found: Inspection) -> None:
    from torchtwin.inspection import compiled_with

    screen.line((str(path), "bold"), f"  {found.format}, Keras {found.version or 'unknown'}")
    what = f"{found.model_class} {found.name}, {counted(len(found.layers), 'layer')}"
    screen.line(what)
    screen.line()
    _show_layers(screen, found)
    screen.line()
    held = f"{counted(found.numbers, 'number')}, {size_text(found.bytes)}"
    screen.fact("weights", f"{held} ({', '.join(found.dtypes)})" if found.bytes else "none")
    compiled = compiled_with(found.compile) if found.compile else []
    screen.fact("compiled", "; ".join(compiled) or "no")
    state = f"state of {counted(found.optimizer, 'array')}" if found.optimizer else "no state"
    screen.fact("optimizer", state)
    _show_outlook(screen, found.refusals)


def _show_layers(screen: Screen, found: Inspection) -> None:
    from torchtwin.emit.source import shape_text

    screen.table(
        ("Layer", "Class", "Output", ">Params"),
        [
            ("  " * layer.depth + layer.name, layer.class_name,
             "?" if layer.shape is None else shape_text(layer.shape),
             "?" if layer.parameters is None else f"{layer.parameters:,}" * (layer.parameters > 0))
            for layer in found.layers
        ],
    )  # fmt: skip


def _show_outlook(screen: Screen, refusals: list[TorchTwinError]) -> None:
    if not refusals:
        screen.fact("converts", ("yes", "green"))
        return
    screen.fact("converts", ("no", "bold red"), f", for {counted(len(refusals), 'reason')}:")
    for refusal in refusals:
        for line in str(refusal).splitlines():
            screen.line(f"  {line}")


def layers(options: argparse.Namespace) -> int:
    """`torchtwin layers`: the support table."""
    from torchtwin.support import support

    rows = support()
    if options.json:
        told = [{**dataclasses.asdict(row), "supported": row.supported} for row in rows]
        print(json.dumps(told, indent=2))
        return 0
    screen = Screen()
    screen.table(
        ("Name", "Status", "Becomes", ">Test cases"),
        [(f"{r.module}.{r.name}", r.status, r.becomes, str(r.cases or "")) for r in rows],
    )
    screen.line()
    for row in rows:
        if row.refused:
            screen.line(f"{row.name} is refused: {row.refused.reason}")
    own = [row for row in rows if row.module == "layers" and row.keras and not row.refused]
    screen.line(f"{sum(r.supported for r in own)} of {len(own)} layers of Keras are translated")
    return 0
