"""Strings and whole numbers as numbers of buckets, by the hashes that TensorFlow uses."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def rotated(value: int, shift: int) -> int:
    """Return 64 bits, rotated to the right."""
    return (value >> shift | value << (64 - shift)) % 2**64


def word(text: bytes, at: int, size: int = 8) -> int:
    """Return the number that bytes spell, the lowest first."""
    return int.from_bytes(text[at : at + size], "little")


def short_hash(text: bytes) -> int:
    """Return FarmHash's 64 bits of up to 16 bytes."""
    k0, k2, size = 0xC3A5C85C97CB3127, 0x9AE16A3B2F90404F, len(text)
    if size >= 8:
        mul, a, b = k2 + size * 2, word(text, 0) + k2, word(text, size - 8)
        return joined(rotated(b, 37) * mul + a, (rotated(a % 2**64, 25) + b) * mul, mul)
    if size >= 4:
        return joined(size + (word(text, 0, 4) << 3), word(text, size - 4, 4), k2 + size * 2)
    if size == 0:
        return k2
    y = text[0] + (text[size // 2] << 8)
    z = size + (text[-1] << 2)
    mixed = (y * k2 ^ z * k0) % 2**64
    return (mixed ^ mixed >> 47) * k2 % 2**64


def joined(u: int, v: int, mul: int) -> int:
    """Return the hash of two numbers."""
    u, v = u % 2**64, v % 2**64
    a = (u ^ v) * mul % 2**64
    b = (v ^ a ^ a >> 47) * mul % 2**64
    return (b ^ b >> 47) * mul % 2**64


def middle_hash(text: bytes) -> int:
    """Return FarmHash's 64 bits of 17 to 64 bytes."""
    k1, k2, size = 0xB492B66FBE98F273, 0x9AE16A3B2F90404F, len(text)
    mul = k2 + size * 2
    if size <= 32:
        a, b = word(text, 0) * k1 % 2**64, word(text, 8)
        c, d = word(text, size - 8) * mul % 2**64, word(text, size - 16) * k2
        u = rotated((a + b) % 2**64, 43) + rotated(c, 30) + d
        return joined(u, a + rotated((b + k2) % 2**64, 18) + c, mul)
    a, b = word(text, 0) * k2 % 2**64, word(text, 8)
    c, d = word(text, size - 8) * mul % 2**64, word(text, size - 16) * k2
    y = (rotated((a + b) % 2**64, 43) + rotated(c, 30) + d) % 2**64
    z = joined(y, a + rotated((b + k2) % 2**64, 18) + c, mul)
    e, f = word(text, 16) * mul % 2**64, word(text, 24)
    g, h = (y + word(text, size - 32)) * mul % 2**64, (z + word(text, size - 24)) * mul
    u = rotated((e + f) % 2**64, 43) + rotated(g, 30) + h
    return joined(u, e + rotated((f + a) % 2**64, 18) + g, mul)


def weak_pair(text: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Return two numbers that change with 32 bytes."""
    w, x, y, z = (word(text, at + k) for k in (0, 8, 16, 24))
    a = (a + w) % 2**64
    b = rotated((b + a + z) % 2**64, 21)
    c = a
    a = (a + x + y) % 2**64
    b = (b + rotated(a, 44)) % 2**64
    return (a + z) % 2**64, (b + c) % 2**64


def farm_hash(text: bytes) -> int:
    """Return FarmHash's fingerprint of 64 bits."""
    if len(text) <= 16:
        return short_hash(text)
    if len(text) <= 64:
        return middle_hash(text)
    k1, seed = 0xB492B66FBE98F273, 81
    x = seed
    y = (seed * k1 + 113) % 2**64
    z = (y * 0x9AE16A3B2F90404F + 113) % 2**64
    z = (z ^ z >> 47) * 0x9AE16A3B2F90404F % 2**64
    v = w = (0, 0)
    x = (x * 0x9AE16A3B2F90404F + word(text, 0)) % 2**64
    end = (len(text) - 1) // 64 * 64
    for at in range(0, end, 64):
        x = rotated((x + y + v[0] + word(text, at + 8)) % 2**64, 37) * k1 % 2**64
        y = rotated((y + v[1] + word(text, at + 48)) % 2**64, 42) * k1 % 2**64
        x ^= w[1]
        y = (y + v[0] + word(text, at + 40)) % 2**64
        z = rotated((z + w[0]) % 2**64, 33) * k1 % 2**64
        v = weak_pair(text, at, v[1] * k1 % 2**64, x + w[0])
        w = weak_pair(text, at + 32, z + w[1], y + word(text, at + 16))
        z, x = x, z
    return last_hash(text, (x, y, z), v, w)


def last_hash(text: bytes, found: tuple[int, int, int], v: Any, w: Any) -> int:
    """Return the hash of a long text from what was found in all but its last 64 bytes."""
    (x, y, z), at = found, len(text) - 64
    mul = 0xB492B66FBE98F273 + ((z & 0xFF) << 1)
    w = ((w[0] + (len(text) - 1 & 63)) % 2**64, w[1])
    v = ((v[0] + w[0]) % 2**64, v[1])
    w = ((w[0] + v[0]) % 2**64, w[1])
    x = rotated((x + y + v[0] + word(text, at + 8)) % 2**64, 37) * mul % 2**64
    y = rotated((y + v[1] + word(text, at + 48)) % 2**64, 42) * mul % 2**64
    x ^= w[1] * 9 % 2**64
    y = (y + v[0] * 9 + word(text, at + 40)) % 2**64
    z = rotated((z + w[0]) % 2**64, 33) * mul % 2**64
    v = weak_pair(text, at, v[1] * mul % 2**64, x + w[0])
    w = weak_pair(text, at + 32, z + w[1], y + word(text, at + 16))
    z, x = x, z
    tail = joined(v[0], w[0], mul) + (y ^ y >> 47) * 0xC3A5C85C97CB3127 + z
    return joined(tail, joined(v[1], w[1], mul) + x, mul)


def sip_hash(text: bytes, key: Any) -> int:
    """Return SipHash-2-4 with a key of two numbers."""
    start = 0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573
    v = [n ^ key[k % 2] % 2**64 for k, n in enumerate(start)]

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0], v[2] = (v[0] + v[1]) % 2**64, (v[2] + v[3]) % 2**64
            v[1], v[3] = rotated(v[1], 51) ^ v[0], rotated(v[3], 48) ^ v[2]
            v[0] = rotated(v[0], 32)
            v[2], v[0] = (v[2] + v[1]) % 2**64, (v[0] + v[3]) % 2**64
            v[1], v[3] = rotated(v[1], 47) ^ v[2], rotated(v[3], 43) ^ v[0]
            v[2] = rotated(v[2], 32)

    full = len(text) // 8 * 8
    last = word(text, full) | (len(text) & 0xFF) << 56
    for part in (*(word(text, at) for at in range(0, full, 8)), last):
        v[3] ^= part
        rounds(2)
        v[0] ^= part
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def bucket_of(value: Any, count: int, key: Any = None) -> int:
    """Return the bucket of a string, or of a whole number as it is written."""
    text = str(value).encode()
    return (farm_hash(text) if key is None else sip_hash(text, key)) % count


def crossed(values: Any, count: int) -> int:
    """Return the bucket of several strings or whole numbers together."""
    mul, result = 0xC6A4A7935BD1E995, 0xDECAFCAFFE
    for value in values:
        part = farm_hash(value.encode()) if isinstance(value, str) else value % 2**64
        part = part * mul % 2**64
        result = (result ^ mul ^ (part ^ part >> 47) * mul) * mul % 2**64
        result = (result ^ result >> 47) * mul % 2**64
        result ^= result >> 47
    return result % count


def each(function: Any, *values: Any) -> Any:
    """Return what a function makes of strings or numbers in nested lists of one shape."""
    if isinstance(values[0], list | tuple):
        return [each(function, *parts) for parts in zip(*values, strict=True)]
    return function(*values)


def of_each(function: Any, *values: Any) -> torch.Tensor:
    """Return the whole numbers that a function makes of strings in lists, or of tensors."""
    tensors = [x for x in values if torch.is_tensor(x)]
    if any(x.is_meta for x in tensors):  # which have a shape alone
        return torch.empty_like(tensors[0], dtype=torch.int64)
    lists = [x.long().tolist() if torch.is_tensor(x) else x for x in values]
    device = tensors[0].device if tensors else None
    return torch.tensor(each(function, *lists), dtype=torch.int64, device=device)


class HashBuckets(nn.Module):
    """Returns the bucket of each string or whole number; what equals `mask` has the first alone."""

    def __init__(self, count: int, mask: Any = None, key: Any = None) -> None:
        super().__init__()
        self.count, self.mask, self.key = count, mask, key

    def bucket(self, value: Any) -> int:
        if self.mask is None or self.count == 1:
            return bucket_of(value, self.count, self.key)
        return 0 if value == self.mask else 1 + bucket_of(value, self.count - 1, self.key)

    def forward(self, x: Any) -> torch.Tensor:
        return of_each(self.bucket, x)


class CrossedBuckets(nn.Module):
    """Returns the bucket of the strings or whole numbers at each place of several inputs."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, *inputs: Any) -> torch.Tensor:
        return of_each(lambda *values: crossed(values, self.count), *inputs)
