"""The way from a Keras model to its twin, on one screen."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchtwin.errors import UntrainedError

if TYPE_CHECKING:
    from torchtwin.source import Source
    from torchtwin.twin import Twin

LAYOUTS = ("torch", "keras")


def convert(
    model: Any,
    *,
    layout: str = "torch",
    weights: str | Path | None = None,
    custom: str | Path | None = None,
    optimizer: Any = None,
    loss: Any = None,
    metrics: Any = None,
    callbacks: Any = None,
) -> Twin:
    """Return the PyTorch twin of a Keras model.

    `model` is a path, or a live `keras.Model` of Keras 3 or tf_keras. With `layout="torch"`
    image inputs and outputs are channels-first, (batch, channels, height, width); with "keras"
    they stay channels-last. Sequences are (batch, steps, features) in both. `weights` is the
    weights file, or checkpoint, of an architecture that is kept apart; `custom` the Python source
    of the author's own layers.

    `optimizer`, `loss`, `metrics` and `callbacks` give or replace what the model was compiled
    with: texts such as "Adam(1e-4)", {"class_name": ..., "config": ...} or objects of Keras.

    Raises UnreadableModel when the file is not a Keras model or does not fit together, and
    UnsupportedError, naming every layer concerned, when it cannot be translated. A training that
    the file asks for and that cannot be translated is told by `Twin.untrained`.
    """
    # Imported here, so that `import torchtwin` and `torchtwin --help` do not wait for torch.
    from torchtwin.readers import read
    from torchtwin.understood import understood

    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}, not {layout!r}")
    source = read(model, weights=weights)
    given = {"optimizer": optimizer, "loss": loss, "metrics": metrics, "callbacks": callbacks}
    asked = {k: v for k, v in given.items() if v is not None}
    if source.origin is None:  # a live model fits together
        return _converted(source, layout, asked, custom)
    with understood("the model"):
        return _converted(source, layout, asked, custom)


def _converted(
    source: Source, layout: str, asked: Mapping[str, Any], custom: str | Path | None
) -> Twin:
    """Return the twin, with its author's own classes where their source is given."""
    from torchtwin.upgrade import upgraded

    if custom is None:
        return _trained(upgraded(source), layout, asked)
    from torchtwin.custom import own_classes

    with own_classes(custom, source) as library:
        twin = _trained(upgraded(source, library.defines), layout, asked)
    return dataclasses.replace(twin, custom=Path(custom))


def _trained(source: Source, layout: str, asked: Mapping[str, Any]) -> Twin:
    """Return the twin; without its training where the file's own cannot be translated."""
    from torchtwin.training.requested import requested
    from torchtwin.understood import untrained

    if "optimizer" in asked:  # the file has the state of another
        source = dataclasses.replace(source, optimizer=())
    try:
        with untrained():
            compiled = requested(source.compile, source.version, asked)
        return dataclasses.replace(_translated(source, layout, compiled), asked=asked)
    except UntrainedError as error:
        if asked:
            raise
        return dataclasses.replace(_translated(source, layout, None), untrained=error)


def _translated(source: Source, layout: str, compiled: Mapping[str, Any] | None) -> Twin:
    """Return the twin of a model in Keras 3's vocabulary, with the training if it has one."""
    from torchtwin.build import build
    from torchtwin.emit.source import emit_source
    from torchtwin.lower import lower
    from torchtwin.outputs import with_logits
    from torchtwin.passes import run_passes
    from torchtwin.precision import mixed_precision
    from torchtwin.twin import Twin
    from torchtwin.weights import parameters

    graph = run_passes(build(source), layout, trains=compiled is not None)
    program = lower(graph)
    plan = None
    if compiled is not None:
        from torchtwin.training.plan import plan_of

        plan = plan_of(compiled, graph, program)
        program = with_logits(program, plan.logits, plan.count)
    text = emit_source(program, mixed_precision(graph), compiled=plan is not None)
    filled = parameters(program, graph, source)
    twin = Twin(text, program, graph, source, tuple(filled), layout, plan)
    if plan is None:
        return twin
    from torchtwin.emit.train import with_training

    return with_training(twin)
