"""Parts of a tensor, by their number or their lengths."""

from __future__ import annotations


def parted(x, parts, dim=0):
    """Return the parts of `x`: `parts` is how many, of one length, or a list of their lengths."""
    if not isinstance(parts, list | tuple):
        return x.split(x.shape[dim] // int(parts), dim)
    rest = x.shape[dim] - sum(n for n in parts if n != -1)
    return x.split([rest if n == -1 else n for n in parts], dim)
