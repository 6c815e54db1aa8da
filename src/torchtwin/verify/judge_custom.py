"""The model author's own classes, in the judge's process: Keras cannot load the model without."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any


def own_classes(keras: Any, folder: Path, home: str) -> None:
    """Execute the classes of the model's author, as far as the model needs them.

    Only a source that the user gave with the model comes here.
    """
    sys.path += [str(folder), home]
    source = importlib.import_module("custom_source")
    own = {k: v for k, v in vars(source).items() if getattr(v, "__module__", "") == source.__name__}
    keras.utils.get_custom_objects().update(own)
