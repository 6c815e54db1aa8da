"""Which metric Keras means by an entry of `compile`, as a class of torchmetrics.

`identify` knows names, `functions` the metrics that are means over samples, `classes` all others.
"""

from __future__ import annotations

from torchtwin.training.metrics.identify import metric_of

__all__ = ["metric_of"]
