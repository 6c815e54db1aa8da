"""The way from a Keras model to its twin, on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchtwin.errors import UnsupportedError

if TYPE_CHECKING:
    from torchtwin.twin import Twin

LAYOUTS = ("torch", "keras")


def convert(
    model: Any,
    *,
    layout: str = "torch",
    weights: str | Path | None = None,
    custom: str | Path | None = None,
) -> Twin:
    """Return the PyTorch twin of a Keras model.

    `model` is a path, or a live `keras.Model` of Keras 3 or tf_keras. With `layout="torch"`
    image inputs and outputs are channels-first, (batch, channels, height, width); with "keras"
    they stay channels-last. Sequences are (batch, steps, features) in both. `weights` is the
    weights file of an architecture that is kept apart; `custom` the Python source of the
    author's own layers.

    Raises UnreadableModel when the file is not a Keras model or does not fit together, and
    UnsupportedError, naming every layer concerned, when it cannot be translated.
    """
    # Imported here, so that `import torchtwin` and `torchtwin --help` do not wait for torch.
    from torchtwin.build import build
    from torchtwin.emit.source import emit_source
    from torchtwin.lower import lower
    from torchtwin.passes import run_passes
    from torchtwin.readers import read
    from torchtwin.twin import Twin
    from torchtwin.upgrade import upgraded
    from torchtwin.weights import parameters

    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}, not {layout!r}")
    if custom is not None:
        raise UnsupportedError("custom layers are not translated yet", where=str(custom))
    source = upgraded(read(model, weights=weights))
    graph = run_passes(build(source), layout)
    program = lower(graph)
    filled = parameters(program, graph, source)
    return Twin(emit_source(program), program, graph, source, tuple(filled), layout)
