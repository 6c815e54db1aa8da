"""Hand-made configs, and what becomes of them."""

from __future__ import annotations

import copy
from typing import Any

from torchtwin.source import Source
from torchtwin.upgrade import upgraded


def model(*layers: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "m", "layers": list(layers), **config}}


def entry(cls: str, **config: Any) -> dict[str, Any]:
    return {"class_name": cls, "config": {"name": "x", **config}}


def up(given: dict[str, Any], version: str = "2.4.0") -> dict[str, Any]:
    kept = copy.deepcopy(given)
    result = upgraded(Source(given, version, "test")).config
    assert given == kept, "the source must stay as it was"
    return result


def layer(given: dict[str, Any], version: str = "2.4.0") -> dict[str, Any]:
    """Upgrade one layer; return its class and config, without its name."""
    shaped = {**given, "config": {"batch_input_shape": [None, 4, 4, 4], **given["config"]}}
    last = up(model(shaped), version)["config"]["layers"][-1]
    config = {k: v for k, v in last["config"].items() if k != "name"}
    return {"class_name": last["class_name"], **config}
