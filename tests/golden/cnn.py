"""The Keras model `cnn`.

Takes image (B, 1, 28, 28); returns (B, 10).

Written by torchtwin: plain PyTorch, yours to change. `load()` reads model.safetensors.
"""

import hashlib
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class Cnn(nn.Module):
    """The Keras model `cnn`."""

    def __init__(self):
        super().__init__()
        self.conv_1 = nn.Conv2d(1, 32, 3, padding="same")
        self.norm_1 = nn.BatchNorm2d(32, eps=0.001, momentum=0.01)
        self.conv_2 = nn.Conv2d(32, 64, 3, stride=2)
        self.dropout = nn.Dropout(0.5)
        self.digits = nn.Linear(576, 10)

    def reset_parameters(self):
        """Draw all weights anew, as before training."""
        for layer in (self.conv_1, self.conv_2, self.digits):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.norm_1.reset_parameters()

    def forward(self, x):
        x = self.conv_1(x)  # (B, 32, 28, 28)
        x = self.norm_1(x)
        x = F.relu(x)
        x = F.max_pool2d(x, 2)  # (B, 32, 14, 14)
        x = F.relu(self.conv_2(F.pad(x, (0, 1, 0, 1))))  # (B, 64, 7, 7)
        x = F.max_pool2d(x, 2)  # (B, 64, 3, 3)
        x = x.flatten(1)  # (B, 576)
        x = self.dropout(x)
        return F.softmax(self.digits(x), dim=-1)  # (B, 10)


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
    model = Cnn()
    model.load_state_dict(load_file(intact(weights)))
    model.to(memory_format=torch.channels_last)  # of the weights: convolutions are faster so
    return model.eval()
