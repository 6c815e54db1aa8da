"""Objects of Keras among the arguments of an author's layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError


def object_of(name: str, entry: Mapping[str, Any]) -> Any:
    """Return the expression of an object of Keras. Raises UnsupportedError where there is none."""
    raise UnsupportedError(
        f"the argument {name} is a {entry['class_name']} of Keras",
        hint="make the object in the layer's __init__, of plain arguments",
    )
