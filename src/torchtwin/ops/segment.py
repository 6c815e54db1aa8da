"""Reductions of the rows of segments."""

from __future__ import annotations

import math
from typing import Any

import torch

from torchtwin.expr import call
from torchtwin.nn.scatter import reduce_segments
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import tensor, torch_type
from torchtwin.rule import Case
from torchtwin.view import Tensor

CASES = [Case({"num_segments": 4}, [(6, 3), (6,)], inputs=["normal", "int:3"])]
FULL = [Case({"num_segments": 3}, [(6, 3), (6,)], inputs=["normal", "int:3"])]
"""Without an empty segment: JAX leaves an infinity there, TensorFlow the least number."""
LOWEST = -3.4028234663852886e38
"""What TensorFlow's unsorted maximum gives where a segment has no rows: the lowest float32."""


def reduced(data: Any, segments: Any, count: Any, how: str, empty: Any = None) -> Any:
    x, where = tensor(data), tensor(segments, data)
    more = {} if empty is None else {"empty": empty}
    kind = {} if how == "sum" else {"how": how}
    number = {} if count is None else {"count": expr(count)}
    return call(reduce_segments, x.expr, where.expr, **number, **kind, **more)


def _end(kind: torch.dtype, *, largest: bool) -> Any:
    """Return the least or largest number of a dtype, as TensorFlow leaves an empty segment."""
    limits = torch.finfo(kind) if kind.is_floating_point else torch.iinfo(kind)
    return limits.max if largest else limits.min


def _segments(how: str, empty: Any = None) -> Any:
    def segment(data: Any, segment_ids: Any, num_segments: Any = None, sorted: Any = False) -> Any:  # noqa: A002
        del sorted  # it may make Keras faster
        least = empty
        if empty is not None and isinstance(data, Tensor) and data.known:
            kind = torch_type(data.dtype)
            least = _end(kind, largest=empty > 0)
        return reduced(data, segment_ids, num_segments, how, least)

    return segment


op("SegmentSum", cases=CASES)(_segments("sum"))
op("SegmentProd", cases=CASES)(_segments("prod"))
op("SegmentMax", cases=FULL)(_segments("amax", -math.inf))
op("SegmentMin", cases=FULL)(_segments("amin", math.inf))


def _tf_segments(how: str) -> Any:
    """tf.math.segment_*: as many segments as the last row tells."""

    def segment(data: Any, segment_ids: Any) -> Any:
        return reduced(data, segment_ids, None, how)

    return segment


def _tf_unsorted(how: str, empty: Any = None) -> Any:
    """tf.math.unsorted_segment_*."""

    def segment(data: Any, segment_ids: Any, num_segments: Any) -> Any:
        return reduced(data, segment_ids, num_segments, how, empty)

    return segment


# scatter_reduce leaves zeros where no row is, or ones in a product: as TensorFlow does.
for _name, _how in {"Sum": "sum", "Mean": "mean", "Prod": "prod", "Max": "amax",
                    "Min": "amin"}.items():  # fmt: skip
    op(f"SortedSegment{_name}")(_tf_segments(_how))
op("UnsortedSegmentSum")(_tf_unsorted("sum"))
op("UnsortedSegmentMean")(_tf_unsorted("mean"))
op("UnsortedSegmentProd")(_tf_unsorted("prod"))
op("UnsortedSegmentMax")(_tf_unsorted("amax", LOWEST))
op("UnsortedSegmentMin")(_tf_unsorted("amin", -LOWEST))
