"""Mixed precision: weights in float32, most of the computation in half of it."""

from __future__ import annotations

import torch
from torch import nn


class Autocast(nn.Module):
    """Runs a module under torch.autocast; its outputs are float32, as losses and metrics want."""

    def __init__(self, module, device, dtype):
        super().__init__()
        self.enabled = True
        if device.type == "cpu":  # when: lstm
            dtype = torch.bfloat16  # there is no LSTM in float16 on a CPU  # when: lstm
            # Nor is there one in bfloat16 on some: it is computed in float32 there.  # when: lstm
            onednn = torch.backends.mkldnn.is_available()  # when: lstm
            self.enabled = not onednn or torch.ops.mkldnn._is_mkldnn_bf16_supported()  # when: lstm
        self.module, self.device, self.dtype = module, device, dtype

    def forward(self, *inputs):
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.enabled):
            outputs = self.module(*inputs)
        return tuple(x.float() if x.is_floating_point() else x for x in outputs)
