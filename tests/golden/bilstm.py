"""The Keras model `sentiment_bilstm`.

Takes tokens (B, 80); returns (B, 1).

Written by torchtwin: plain PyTorch, yours to change. `load()` reads model.safetensors.
"""

import hashlib
import json
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

    def reset_parameters(self):
        """Draw all weights anew, as before training."""
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        for layer in (self.first, self.second):
            nn.init.xavier_uniform_(layer.weight_ih_l0)
            nn.init.orthogonal_(layer.weight_hh_l0)
            nn.init.zeros_(layer.bias_ih_l0)
            nn.init.ones_(layer.bias_ih_l0.chunk(4)[1])  # the forget gate
            nn.init.zeros_(layer.bias_hh_l0)
            nn.init.xavier_uniform_(layer.weight_ih_l0_reverse)
            nn.init.orthogonal_(layer.weight_hh_l0_reverse)
            nn.init.zeros_(layer.bias_ih_l0_reverse)
            nn.init.ones_(layer.bias_ih_l0_reverse.chunk(4)[1])  # the forget gate
            nn.init.zeros_(layer.bias_hh_l0_reverse)
        nn.init.xavier_uniform_(self.sentiment.weight)
        nn.init.zeros_(self.sentiment.bias)

    def forward(self, x):
        x = self.embedding(x)  # (B, 80, 64)
        x, _ = self.first(x)  # (B, 80, 64)
        _, (h, _) = self.second(x)
        x = torch.cat([h[0], h[1]], dim=-1)  # (B, 64)
        return torch.sigmoid(self.sentiment(x))  # (B, 1)


def intact(weights):
    """Return the path of the weights; raise ValueError where they are not what was written."""
    with open(weights, "rb") as file:
        tensors = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        recorded = tensors.pop("__metadata__", {}).get("sha256")
        names = hashlib.sha256(json.dumps(tensors, sort_keys=True).encode())
        if recorded and hashlib.file_digest(file, lambda: names).hexdigest() != recorded:
            raise ValueError(f"{weights} is damaged: its content has not the hash that it records")
    return weights


def load(weights=Path(__file__).with_name("model.safetensors")):
    """Return the model with its trained weights, in eval mode."""
    model = SentimentBilstm()
    model.load_state_dict(load_file(intact(weights)))
    return model.eval()
