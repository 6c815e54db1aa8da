"""The Keras model `mlp`.

Takes pixels (B, 784); returns (B, 10).

Written by torchtwin: plain PyTorch, yours to change. `load()` reads model.safetensors.
"""

from pathlib import Path

import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class Mlp(nn.Module):
    """The Keras model `mlp`."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 128)
        self.dropout = nn.Dropout(0.2)
        self.digits = nn.Linear(128, 10)

    def reset_parameters(self):
        """Draw all weights anew, as before training."""
        for layer in (self.hidden, self.digits):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        x = F.relu(self.hidden(x))  # (B, 128)
        x = self.dropout(x)
        return F.softmax(self.digits(x), dim=-1)  # (B, 10)


def load(weights=Path(__file__).with_name("model.safetensors")):
    """Return the model with its trained weights, in eval mode."""
    model = Mlp()
    model.load_state_dict(load_file(weights))
    return model.eval()
