"""The models of benchmarks/speed.py, written by hand in PyTorch, channels-first."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

WORDS = 5000


class MLP(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
            nn.Linear(512, 10), nn.Softmax(-1),
        )  # fmt: skip


class CNN(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10),
            nn.Softmax(-1),
        )  # fmt: skip


class Bottleneck(nn.Module):
    def __init__(self, size, width, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(size, width, 1, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.short = None
        if size != 4 * width:
            conv = nn.Conv2d(size, 4 * width, 1, stride)
            self.short = nn.Sequential(conv, nn.BatchNorm2d(4 * width))

    def forward(self, x):
        short = x if self.short is None else self.short(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + short)


class ResNet50(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 64, 7, 2, padding=3), nn.BatchNorm2d(64)
        blocks, size = [], 64
        for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for k in range(count):
                blocks.append(Bottleneck(size, width, stride if k == 0 else 1))
                size = 4 * width
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(2048, 1000)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 3, 2, padding=1)
        return F.softmax(self.head(self.blocks(x).mean((2, 3))), -1)


class MBConv(nn.Module):
    def __init__(self, size, out, kernel, stride, expand):
        super().__init__()
        wide, squeezed = size * expand, max(1, size // 4)
        self.expand = None
        if expand > 1:
            self.expand = nn.Conv2d(size, wide, 1, bias=False)
            self.expand_bn = nn.BatchNorm2d(wide)
        # Keras, as TensorFlow before it, pads a strided convolution by one more behind.
        self.pad = (kernel // 2 - 1, kernel // 2) * 2 if stride == 2 else None
        inside = 0 if self.pad else kernel // 2
        self.depth = nn.Conv2d(wide, wide, kernel, stride, inside, groups=wide, bias=False)
        self.depth_bn = nn.BatchNorm2d(wide)
        self.reduce, self.excite = nn.Conv2d(wide, squeezed, 1), nn.Conv2d(squeezed, wide, 1)
        self.project, self.project_bn = nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out)
        self.residual = stride == 1 and size == out

    def forward(self, x):
        y = x if self.expand is None else F.silu(self.expand_bn(self.expand(x)))
        y = y if self.pad is None else F.pad(y, self.pad)
        y = F.silu(self.depth_bn(self.depth(y)))
        scale = F.silu(self.reduce(y.mean((2, 3), keepdim=True)))
        y = self.project_bn(self.project(y * torch.sigmoid(self.excite(scale))))
        return x + y if self.residual else y


class EfficientNetB0(nn.Module):
    def __init__(self):
        super().__init__()
        for name, shape in (("mean", (1, 3, 1, 1)), ("std", (1, 3, 1, 1))):
            self.register_buffer(name, torch.ones(shape))
        self.stem, self.stem_bn = nn.Conv2d(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32)
        rows = ((16, 3, 1, 1, 1), (24, 3, 2, 6, 2), (40, 5, 2, 6, 2), (80, 3, 2, 6, 3),
                (112, 5, 1, 6, 3), (192, 5, 2, 6, 4), (320, 3, 1, 6, 1))  # fmt: skip
        blocks, size = [], 32
        for out, kernel, stride, expand, count in rows:
            for k in range(count):
                blocks.append(MBConv(size, out, kernel, stride if k == 0 else 1, expand))
                size = out
        self.blocks = nn.Sequential(*blocks)
        self.top, self.top_bn = nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280)
        self.dropout, self.head = nn.Dropout(0.2), nn.Linear(1280, 1000)

    def forward(self, x):
        x = (x / 255 - self.mean) / self.std
        x = self.blocks(F.silu(self.stem_bn(self.stem(F.pad(x, (0, 1, 0, 1))))))
        x = F.silu(self.top_bn(self.top(x))).mean((2, 3))
        return F.softmax(self.head(self.dropout(x)), -1)


class Double(nn.Sequential):
    def __init__(self, size, filters):
        super().__init__(
            nn.Conv2d(size, filters, 3, padding=1), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU(),
        )  # fmt: skip


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = (3, 16, 32, 64, 128)
        pairs = [(sizes[k], sizes[k + 1]) for k in range(4)]
        self.down = nn.ModuleList(Double(*p) for p in pairs)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairs[:0:-1])
        self.up = nn.ModuleList(Double(b, a) for a, b in pairs[:0:-1])
        self.head = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        skips = []
        for down in self.down[:-1]:
            skips.append(down(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.down[-1](x)
        for grow, up in zip(self.grow, self.up, strict=True):
            x = up(torch.cat([grow(x), skips.pop()], 1))
        return torch.sigmoid(self.head(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(128, 384), nn.Linear(128, 128)
        self.norm1, self.norm2 = nn.LayerNorm(128, 1e-6), nn.LayerNorm(128, 1e-6)
        self.wide, self.narrow = nn.Linear(128, 512), nn.Linear(512, 128)

    def forward(self, x):
        heads = self.qkv(x).unflatten(-1, (3, 4, 32)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        x = self.norm1(x + self.out(attended))
        return self.norm2(x + self.narrow(F.relu(self.wide(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 128)
        self.blocks = nn.Sequential(*(Block() for _ in range(4)))
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return F.softmax(self.head(self.blocks(self.embedding(x)).mean(1)), -1)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.rnn, self.head = kind(64, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


class MaskedLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 64)
        self.rnn, self.head = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(x), (x != 0).sum(1), batch_first=True, enforce_sorted=False
        )
        return self.head(self.rnn(packed)[1][0][0])


MODELS = {
    "mlp": MLP, "cnn": CNN, "resnet50": ResNet50, "efficientnet_b0": EfficientNetB0,
    "unet": UNet, "transformer": Transformer, "lstm": lambda: Recurrent(nn.LSTM),
    "masked_lstm": MaskedLSTM, "gru": lambda: Recurrent(nn.GRU),
}  # fmt: skip
SECOND_BIAS = {"lstm": 512, "masked_lstm": 512, "gru": 0}
"""nn.LSTM has a second bias that Keras has not."""


def parameters(name: str) -> int:
    """Return the number of trained parameters that the Keras model has too."""
    model = MODELS[name]()
    return sum(math.prod(p.shape) for p in model.parameters()) - SECOND_BIAS.get(name, 0)
