"""How the dtype policy of a layer says that its weights are quantized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from torchtwin.errors import UnsupportedError

MODES = ("int8", "int4", "float8", "gptq", "awq")
_DTYPES = {
    "float32": torch.float32, "float64": torch.float64, "float16": torch.float16,
    "bfloat16": torch.bfloat16, "mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16,
}  # fmt: skip


@dataclass(frozen=True)
class Quantization:
    """Kind, precision of the computation, and what depends on the kind.

    `group` is the number of rows that share a scale (None: each column has one), `rounds` tells
    that inputs are rounded as well, None where the layer decides.
    """

    mode: str
    source: str
    bits: int = 8
    group: int | None = None
    rounds: bool | None = None
    history: int = 1024

    @property
    def dtype(self) -> torch.dtype:
        if self.source not in _DTYPES:
            raise UnsupportedError(f"the dtype policy {self.mode}_from_{self.source}")
        return _DTYPES[self.source]

    def groups(self, rows: int) -> int:
        return -(-rows // self.group) if self.group else 1


def source_of(policy: Any) -> Any:
    """Return the policy that a quantized one was made of, or the policy itself."""
    found = _parsed(policy)
    return policy if found is None else found[1]


def quantization_of(config: Mapping[str, Any]) -> Quantization | None:
    """Return how a layer of this config is quantized, None where it is not."""
    found = _parsed(config.get("dtype"))
    if found is None:
        return None
    text, source = found
    mode, *rest = text.split("/")
    given = config.get("quantization_config")
    given = given.get("config", {}) if isinstance(given, Mapping) else {}
    if mode not in MODES or not all(part.lstrip("-").isdigit() for part in rest):
        raise UnsupportedError(f"the quantization {text} is not translated")
    numbers = [int(part) for part in rest]
    group = given.get("block_size") if mode == "int4" and given else None
    if numbers and not group:
        group = numbers[-1]
    policy = config["dtype"]
    history = policy["config"].get("amax_history_length", 1024) if type(policy) is dict else 1024
    return Quantization(
        mode,
        source,
        bits={"int8": 8, "int4": 4, "float8": 8}.get(mode) or (numbers[0] if numbers else 4),
        group=group if group and group > 0 else None,
        rounds=_rounds(given) if given and mode in ("int8", "int4") else None,
        history=history,
    )


def _parsed(policy: Any) -> tuple[str, str] | None:
    """Return what is behind "int8" and the like, and the policy it was made of."""
    if isinstance(policy, str):
        mode, _, source = policy.partition("_from_")
        return (mode, source) if source else None
    inner = policy.get("config") if isinstance(policy, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("mode"), str):
        return None
    return inner["mode"], str(inner.get("source_name") or "float32")


def _rounds(given: Mapping[str, Any]) -> bool:
    """Tell whether inputs are rounded: to eight bits by their largest, or not at all."""
    quantizer = given.get("activation_quantizer")
    if quantizer is None:
        return False
    inner = quantizer.get("config", {})
    usual = quantizer.get("class_name") == "AbsMaxQuantizer" and inner.get("epsilon") == 1e-7
    value_range = inner.get("value_range", ())
    if isinstance(value_range, Mapping):
        value_range = value_range.get("config", {}).get("items", ())
    if not usual or list(value_range) != [-127, 127]:
        raise UnsupportedError("inputs that are rounded in a way of their own")
    return True
