"""Masks that Keras hands on without a word are variables of the translation's source."""

from __future__ import annotations

import libcst as cst
import numpy as np
import pytest
import torch

from torchtwin.nn.embedding import MaskedEmbedding
from torchtwin.nn.masked_sequential import MaskedSequential
from torchtwin.translate.masking import explicit_masks
from torchtwin.translate.refusals import Refusals

HEAD = "import keras\nfrom keras import layers\n\n\n"
MODEL = """class Reader(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed = layers.Embedding(5, 4, mask_zero=True)
        self.drop = layers.Dropout(0.1)
        self.first = layers.LSTM(4, return_sequences=True)
        self.last = layers.GRU(4)
        self.heads = layers.MultiHeadAttention(2, 4)
        self.plain = layers.Embedding(5, 4)

    def call(self, x):
"""
CASES = {
    "a mask is made once and used": (
        "x = self.drop(self.embed(x))\nreturn self.last(self.first(x))",
        "mask = self.embed.compute_mask(x)\nx = self.drop(self.embed(x))\n"
        "return self.last(self.first(x, mask=mask), mask=mask)",
    ),
    "arithmetic drops it": (
        "x = self.embed(x) * 2.0\nreturn self.last(x)",
        "x = self.embed(x) * 2.0\nreturn self.last(x)",
    ),
    "no mask is made where nothing uses it": ("return self.drop(self.embed(x))", None),
    "none without mask_zero": ("return self.last(self.plain(x))", None),
    "a mask that is given stays": (
        "x = self.embed(x)\nreturn self.last(x, mask=None)",
        None,
    ),
    "attention takes one for each input": (
        "y = self.embed(x)\nreturn self.heads(y, self.plain(x), key=y)",
        "mask = self.embed.compute_mask(x)\ny = self.embed(x)\n"
        "return self.heads(y, self.plain(x), key=y, query_mask=mask, key_mask=mask)",
    ),
    "it ends behind a layer that returns the last step": (
        "y = self.last(self.embed(x))\nreturn self.first(y)",
        "mask = self.embed.compute_mask(x)\ny = self.last(self.embed(x), mask=mask)\n"
        "return self.first(y)",
    ),
}


def body(text: str) -> str:
    return "".join(f"        {line}\n" for line in text.split("\n"))


@pytest.mark.parametrize("name", CASES)
def test_masks_are_passed(name: str) -> None:
    before, after = CASES[name]
    refusals = Refusals()
    module = explicit_masks(cst.parse_module(HEAD + MODEL + body(before)), refusals)
    assert module.code == HEAD + MODEL + body(before if after is None else after)
    assert not refusals.found


REFUSED = {
    "if a:\n    y = self.embed(x)\nelif b:\n    y = x\nelse:\n    y = x * 2\nreturn self.last(y)": (
        "the mask that self.last uses is not followed"
    ),
    "return self.guest(self.embed(x))": (
        "self.embed(x) has a mask, and what self.guest does with it is not known"
    ),
    "y = self.embed(x)\nreturn self.heads(y, y, query_mask=x)": (
        "Keras 3 takes no notice of query_mask: leave it out"
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_followed_is_refused(text: str) -> None:
    head = MODEL.replace("(self):", "(self, guest):", 1).replace(
        "self.plain =", "self.guest = guest\n        self.plain ="
    )
    refusals = Refusals()
    module = explicit_masks(cst.parse_module(HEAD + head + body(text)), refusals)
    assert [row.reason for row in refusals.found] == [REFUSED[text]]
    assert f"# torchtwin: {REFUSED[text]}" in module.code


class Mean(torch.nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        weight = torch.ones(x.shape[:2]) if mask is None else mask.to(x.dtype)
        return (x * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)


def test_sequential_hands_the_mask_on() -> None:
    embed = MaskedEmbedding(5, 3, mask_zero=True)
    x = torch.tensor([[1, 2, 0, 0], [3, 0, 4, 0]])
    got = MaskedSequential(embed, torch.nn.Dropout(0.0), Mean())(x)
    rows = embed.weight.detach().numpy()
    wanted = np.stack([rows[[1, 2]].mean(0), rows[[3, 4]].mean(0)])
    np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=1e-5)
    stopped = MaskedSequential(embed, torch.nn.Identity(), Mean(), stops=(1,))
    assert not np.allclose(stopped(x).detach().numpy(), wanted)
    assert stopped.output_mask is None
