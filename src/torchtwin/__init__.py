"""torchtwin: the PyTorch twin of a Keras model, and a proof that the two agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchtwin.convert import convert
from torchtwin.errors import (
    OutputError,
    TorchTwinError,
    TwinsDiffer,
    UnreadableModel,
    UnsupportedError,
)
from torchtwin.keras_weights import load_keras_weights
from torchtwin.translate import translate
from torchtwin.verify import verify

if TYPE_CHECKING:
    from torchtwin.translate.translation import Translation
    from torchtwin.twin import Twin
    from torchtwin.verify.report import Report

__version__ = "0.1.0"
__all__ = [
    "OutputError",
    "Report",
    "TorchTwinError",
    "Translation",
    "Twin",
    "TwinsDiffer",
    "UnreadableModel",
    "UnsupportedError",
    "convert",
    "load_keras_weights",
    "translate",
    "verify",
]

_HOMES = {"Twin": "twin", "Report": "verify.report", "Translation": "translate.translation"}


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for: `torchtwin --help` does not."""
    if name not in _HOMES:
        raise AttributeError(f"module 'torchtwin' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"torchtwin.{_HOMES[name]}"), name)
