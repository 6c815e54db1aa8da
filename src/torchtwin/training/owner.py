"""Which of the layers inside a wrapper has a variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torchtwin.names import snake


def owner(
    class_name: str, config: Mapping[str, Any], variable: str
) -> tuple[str, Mapping[str, Any], bool]:
    """Return class and config of the layer inside a wrapper that has a variable.

    The last tells whether the layers inside are trainable.
    """
    parts, trainable = variable.split("/")[:-1], True
    while parts:
        entry = _inside(config, parts)
        if entry is None:  # the cell of an LSTM, the projections of an attention: no layer's name
            break
        class_name, config = str(entry["class_name"]), entry["config"]
        trainable = trainable and bool(config.get("trainable", True))
    return class_name, config, trainable


def _inside(config: Mapping[str, Any], parts: list[str]) -> Any:
    """Return the layer that the first of `parts` names, and take it off; None for no layer."""
    match parts.pop(0):
        case "layer" | "forward_layer":
            return config["layer"]
        case "backward_layer":
            return config.get("backward_layer") or config["layer"]
        case "cell":
            return config.get("cell")
        case "cells":
            if parts[0].isdecimal():  # those of the model's author are numbered as in PyTorch
                return config["cells"][int(parts.pop(0))]
            match = re.fullmatch(r"(?P<kind>.*?)(_(?P<number>\d+))?", parts.pop(0))
            assert match is not None
            found = [c for c in config["cells"] if snake(c["class_name"]) == match["kind"]]
            return found[int(match["number"] or 0)]
    return None
