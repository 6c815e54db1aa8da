"""CRC-32C, as TensorFlow masks it. zlib has another polynomial, so numpy does the work.

The polynomial divides x^5685 + x^1362 + x^426 + 1, and so the same with 8 or 128 times the powers:
a byte leaves the remainder that it would leave at three later places. Bytes are moved on until
few are left.
"""

from __future__ import annotations

import functools

POLYNOMIAL = 0x82F63B78
MOVES = (5685 - 1362, 5685 - 426, 5685)
SCALES = (16, 1)
PIECE = 4 << 20


def masked(crc: int) -> int:
    """Return a checksum as it is stored."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes | memoryview, before: int = 0) -> int:
    """Return the checksum of `data`, which follows what has the checksum `before`."""
    view, register = memoryview(data).cast("B"), before ^ 0xFFFFFFFF
    for start in range(0, len(view), PIECE):
        register = _after(view[start : start + PIECE], register)
    return register ^ 0xFFFFFFFF


def _after(piece: memoryview, register: int) -> int:
    """Return the register after it has read `piece`."""
    data = bytes(piece)
    if len(data) > MOVES[-1]:
        data, register = _folded(piece, register), 0
    table = _table()
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ register >> 8
    return register


def _folded(piece: memoryview, register: int) -> bytes:
    """Return what leaves in a register of zeros what `piece` leaves in this one."""
    import numpy as np

    data = np.frombuffer(piece, np.uint8).copy()
    data[:4] ^= np.frombuffer(register.to_bytes(4, "little"), np.uint8)
    for scale in SCALES:
        step, _, reach = (move * scale for move in MOVES)
        start = 0
        while (left := len(data) - start - reach) > 0:
            block = data[start : start + min(step, left)]
            for move in MOVES:
                place = start + move * scale
                data[place : place + len(block)] ^= block
            start += len(block)
        data = data[start:]
    return data.tobytes()


@functools.cache
def _table() -> tuple[int, ...]:
    """Return what each byte makes of the register."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)
