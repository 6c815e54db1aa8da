"""Protocol buffers' wire format: numbered fields, of which lengths are checked before use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torchtwin.errors import UnreadableModel

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10

Value = int | memoryview


@dataclass(frozen=True)
class Message:
    """The bytes of one message; `what` names it in errors."""

    data: memoryview
    what: str

    def fields(self) -> Iterator[tuple[int, Value]]:
        """Yield the number and the value of each field, in their order."""
        data, at, end = self.data, 0, len(self.data)
        while at < end:
            tag, at = varint(data, at, self.what)
            kind = tag & 7
            if kind == VARINT:
                number, at = varint(data, at, self.what)
                yield tag >> 3, number
                continue
            if kind == BYTES:
                size, at = varint(data, at, self.what)
            elif kind in (FIXED64, FIXED32):
                size = 8 if kind == FIXED64 else 4
            else:
                raise damaged(self.what)
            if size > end - at:
                raise damaged(self.what)
            value = data[at : at + size]
            at += size
            yield tag >> 3, value if kind == BYTES else int.from_bytes(value, "little")

    def inner(self, number: int) -> Iterator[Message]:
        """Yield the messages in the fields of one number."""
        for found, value in self.fields():
            if found == number:
                yield self.within(value)

    def within(self, value: Value) -> Message:
        """Return the message in a field."""
        if isinstance(value, int):
            raise damaged(self.what)
        return Message(value, self.what)

    def text(self, value: Value) -> str:
        """Return the text in a field."""
        try:
            return bytes(self.within(value).data).decode("utf-8")
        except UnicodeDecodeError:
            raise damaged(self.what) from None

    def number(self, value: Value) -> int:
        """Return the number in a field, which is not negative in what is read here."""
        if not isinstance(value, int) or value >= 1 << 63:
            raise damaged(self.what)
        return value


def varint(data: memoryview, at: int, what: str) -> tuple[int, int]:
    """Return the number of which seven bits are in each byte, and where it ends."""
    number = 0
    for k, byte in enumerate(data[at : at + LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * k
        if byte < 0x80:
            return number, at + k + 1
    raise damaged(what)


def damaged(what: str) -> UnreadableModel:
    return UnreadableModel(
        f"{what} is damaged: its protobuf fields do not fit", hint="download or save it again"
    )
