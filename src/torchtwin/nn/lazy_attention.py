"""Attention layers that take the number of features of their first inputs."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.attention import (
    AdditiveAttention,
    DotAttention,
    SumAttention,
    causal_mask,
    spread,
)
from torchtwin.nn.initial import glorot_uniform
from torchtwin.nn.lazy import LazyModule


class LazyHeads(LazyModule):
    """A linear map of the last axis to several heads: (..., heads, size).

    The first weight is drawn by a function of the shape (in, heads, size) and a dtype.
    """

    def __init__(self, heads, size, *, bias, weight_init, bias_init):
        super().__init__()
        self.heads, self.size, self.has_bias = heads, size, bias
        self.weight_init, self.bias_init = weight_init, bias_init

    def build(self, input_shape):
        dtype, shape = torch.get_default_dtype(), (self.heads, self.size)
        weight = self.weight_init((input_shape[-1], *shape), dtype=dtype)
        self.weight = nn.Parameter(weight.flatten(1).T.contiguous())
        bias = self.bias_init(shape, dtype=dtype) if self.has_bias else None
        self.bias = None if bias is None else nn.Parameter(bias.flatten())

    def forward(self, x):
        x = x if x.is_floating_point() else x.to(self.weight.dtype)
        return F.linear(x, self.weight, self.bias).unflatten(-1, (self.heads, self.size))


class LazyJoin(LazyModule):
    """A linear map of (..., heads, size) to features of the shape `out_shape`.

    The first weight is drawn by a function of the shape (heads, size, *out) and a dtype.
    """

    def __init__(self, out_shape, *, bias, weight_init, bias_init):
        super().__init__()
        self.out_shape, self.has_bias = tuple(out_shape), bias
        self.weight_init, self.bias_init = weight_init, bias_init

    def build(self, input_shape):
        dtype, out = torch.get_default_dtype(), self.out_shape
        self.heads, self.size = input_shape[-2:]
        weight = self.weight_init((self.heads, self.size, *out), dtype=dtype)
        self.weight = nn.Parameter(weight.reshape(-1, math.prod(out)).T.contiguous())
        bias = self.bias_init(out, dtype=dtype) if self.has_bias else None
        self.bias = None if bias is None else nn.Parameter(bias.flatten())

    def forward(self, x):
        x = F.linear(x.flatten(-2), self.weight, self.bias)
        return x if len(self.out_shape) == 1 else x.unflatten(-1, self.out_shape)


class LazyMultiHeadAttention(LazyModule):
    """Multi-head attention with heads of any size, over the axes `attention_axes`.

    Masks are True where there is something to look at; those of query, value and key are
    (batch, steps). A query that may look nowhere takes the mean of all values, or, where dropout
    or the scores are asked for, zeros. `value_heads` are fewer heads for keys and values, which
    groups of the others share.
    """

    def __init__(
        self,
        num_heads,
        key_dim,
        *,
        value_dim=None,
        value_heads=None,
        dropout=0.0,
        bias=True,
        output_shape=None,
        attention_axes=None,
        window=None,
        gate=False,
        weight_init=glorot_uniform,
        bias_init=torch.zeros,
    ):
        super().__init__()
        self.num_heads, self.key_dim = num_heads, key_dim
        self.value_dim = value_dim or key_dim
        self.dropout, self.window = dropout, window
        self.out_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.attention_axes = attention_axes
        self.options = {"bias": bias, "weight_init": weight_init, "bias_init": bias_init}
        shared = value_heads or num_heads
        self.query = LazyHeads(num_heads, key_dim, **self.options)
        self.key = LazyHeads(shared, key_dim, **self.options)
        self.gate = LazyHeads(num_heads, self.value_dim, **self.options) if gate else None
        self.value = LazyHeads(shared, self.value_dim, **self.options)

    def build(self, query_shape):
        self.output = LazyJoin(self.out_shape or query_shape[-1:], **self.options)
        axes = self.attention_axes or range(1, len(query_shape) - 1)
        axes = (axes,) if isinstance(axes, int) else axes
        self.attention_axes = tuple(k % len(query_shape) for k in axes)

    def forward(
        self,
        query,
        value,
        key=None,
        *,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        steps = query.shape[1], value.shape[1]
        mask = self.whole_mask(query_mask, value_mask, key_mask, attention_mask)
        if use_causal_mask and (mask is not None or self.window):
            causal = causal_mask(*steps, query.device)
            mask = causal if mask is None else mask & causal
        if self.window:
            place = [torch.arange(n, device=query.device) for n in steps]
            near = (place[0][:, None] - place[1]).abs() < self.window
            mask = near if mask is None else mask & near
        gate = None if self.gate is None else torch.sigmoid(self.gate(query))
        key = value if key is None else key
        heads = [self.query(query), self.key(key), self.value(value)]
        only_causal = use_causal_mask and mask is None
        x, scores = self.attend(heads, mask, only_causal, return_attention_scores)
        x = self.output(x if gate is None else x * gate)
        return (x, scores) if return_attention_scores else x

    def whole_mask(self, query, value, key, mask):
        """Return the masks as one for each pair of steps; None where there is none."""
        masks = [m.bool() for m in (mask,) if m is not None]
        masks += [m.bool()[..., None] for m in (query,) if m is not None]
        masks += [m.bool()[..., None, :] for m in (value, key) if m is not None]
        whole = None
        for part in masks:
            whole = part if whole is None else whole & part
        return whole

    def attend(self, heads, mask, causal, wants_scores):
        """Return what the heads gather, (batch, ..., heads, size), and the scores or None."""
        rank, axes = heads[0].dim(), self.attention_axes
        rest = [k for k in range(rank - 2) if k not in axes]
        order = [*rest, rank - 2, *axes, rank - 1]
        lengths = [[x.shape[k] for k in axes] for x in heads]
        q, k, v = (x.permute(order).flatten(len(rest) + 1, -2) for x in heads)
        groups = q.shape[-3] // k.shape[-3]
        if groups > 1:
            k, v = k.repeat_interleave(groups, -3), v.repeat_interleave(groups, -3)
        if mask is not None:
            count = len(axes)
            mask = mask.flatten(-count).flatten(-count - 1, -2)
            while mask.dim() < q.dim():
                mask = mask.unsqueeze(-3)
        if self.dropout or wants_scores or rank != 4:
            x, scores = self.by_scores(q, k, v, mask, causal)
            scores = scores.unflatten(-1, lengths[1]).unflatten(-len(axes) - 1, lengths[0])
        else:
            x, scores = self.at_once(q, k, v, mask, causal), None
        x = x.unflatten(-2, lengths[0])
        return x.permute([order.index(k) for k in range(rank)]), scores

    def at_once(self, q, k, v, mask, causal):
        if mask is None:
            return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        q, mask = spread(q, mask)
        return F.scaled_dot_product_attention(q, k, v, mask)

    def by_scores(self, q, k, v, mask, causal):
        scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        if causal:
            mask = causal_mask(q.size(-2), k.size(-2), q.device)
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        scores = F.softmax(scores, dim=-1)
        if mask is not None:
            scores = scores.masked_fill(~mask, 0.0)
        return F.dropout(scores, self.dropout, self.training) @ v, scores

    def compute_mask(self, query, value=None, query_mask=None, **_):
        """Return the mask of the result: that of the query."""
        return query_mask


class PairAttention(LazyModule):
    """Attention on [query, value] or [query, value, key], without projections.

    `mode` is "dot" for products, "concat" for sums of query and key, "additive" for sums whose
    features are weighted. `mask` is a list too: queries that it hides give zeros.
    """

    def __init__(self, mode="dot", scaled=False, dropout=0.0):
        super().__init__()
        self.mode, self.scaled, self.dropout = mode, scaled, dropout

    def build(self, input_shape):
        options = {"scaled": self.scaled, "dropout": self.dropout}
        plain = SumAttention if self.mode == "concat" else DotAttention
        additive = self.mode == "additive"
        self.attention = (
            AdditiveAttention(input_shape[0][-1], **options) if additive else plain(**options)
        )

    def forward(self, inputs, mask=None, return_attention_scores=False, use_causal_mask=False):
        of_query, of_value = (None, None) if mask is None else mask[:2]
        keys = None if of_value is None else of_value.bool()[:, None]
        x, scores = self.attention(*inputs, mask=keys, causal=use_causal_mask)
        if of_query is not None:
            x = x.masked_fill(~of_query.bool()[..., None], 0.0)
        return (x, scores) if return_attention_scores else x

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the result: that of the query."""
        return None if mask is None else mask[0]
