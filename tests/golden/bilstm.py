"""The Keras model `sentiment_bilstm`.

Takes tokens (B, 80); returns (B, 1).

Written by torchtwin: plain PyTorch, yours to change. `load()` reads model.safetensors.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn


class SentimentBilstm(nn.Module):
    """The Keras model `sentiment_bilstm`."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5000, 64)
        self.first = nn.LSTM(64, 32, batch_first=True, bidirectional=True)
        self.first.bias_hh_l0.requires_grad_(False)  # stays all zeros
        self.first.bias_hh_l0_reverse.requires_grad_(False)  # stays all zeros
        self.second = nn.LSTM(64, 32, batch_first=True, bidirectional=True)
        self.second.bias_hh_l0.requires_grad_(False)  # stays all zeros
        self.second.bias_hh_l0_reverse.requires_grad_(False)  # stays all zeros
        self.sentiment = nn.Linear(64, 1)

    def forward(self, x):
        x = self.embedding(x)  # (B, 80, 64)
        x, _ = self.first(x)  # (B, 80, 64)
        _, (h, _) = self.second(x)
        x = torch.cat([h[0], h[1]], dim=-1)  # (B, 64)
        return torch.sigmoid(self.sentiment(x))  # (B, 1)


def load(weights=Path(__file__).with_name("model.safetensors")):
    """Return the model with its trained weights, in eval mode."""
    model = SentimentBilstm()
    model.load_state_dict(load_file(weights))
    return model.eval()
