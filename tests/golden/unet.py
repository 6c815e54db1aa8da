"""The Keras model `unet`.

Takes image (B, 3, 128, 128); returns (B, 1, 128, 128).

Written by torchtwin: plain PyTorch, yours to change. `load()` reads model.safetensors.
"""

import hashlib
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class Unet(nn.Module):
    """The Keras model `unet`."""

    def __init__(self):
        super().__init__()
        self.down_0 = nn.Conv2d(3, 16, 3, padding="same")
        self.down_1 = nn.Conv2d(16, 32, 3, padding="same")
        self.bottom = nn.Conv2d(32, 64, 3, padding="same")
        self.up_0 = nn.ConvTranspose2d(64, 32, 2, stride=2)
        self.merge_0 = nn.Conv2d(64, 32, 3, padding="same")
        self.up_1 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.merge_1 = nn.Conv2d(32, 16, 3, padding="same")
        self.mask = nn.Conv2d(16, 1, 1)

    def reset_parameters(self):
        """Draw all weights anew, as before training."""
        for layer in self.children():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x):
        down_0 = F.relu(self.down_0(x))  # (B, 16, 128, 128)
        x = F.max_pool2d(down_0, 2)  # (B, 16, 64, 64)
        down_1 = F.relu(self.down_1(x))  # (B, 32, 64, 64)
        x = F.max_pool2d(down_1, 2)  # (B, 32, 32, 32)
        x = F.relu(self.bottom(x))  # (B, 64, 32, 32)
        x = self.up_0(x)  # (B, 32, 64, 64)
        x = torch.cat([x, down_1], dim=1)  # (B, 64, 64, 64)
        x = F.relu(self.merge_0(x))  # (B, 32, 64, 64)
        x = self.up_1(x)  # (B, 16, 128, 128)
        x = torch.cat([x, down_0], dim=1)  # (B, 32, 128, 128)
        x = F.relu(self.merge_1(x))  # (B, 16, 128, 128)
        return torch.sigmoid(self.mask(x))  # (B, 1, 128, 128)


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
    model = Unet()
    model.load_state_dict(load_file(intact(weights)))
    model.to(memory_format=torch.channels_last)  # of the weights: convolutions are faster so
    return model.eval()
