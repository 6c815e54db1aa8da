"""What became of the names of Keras in a program, for the summary."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN = 60
"""How much of an expression a summary shows."""


@dataclass(frozen=True, order=True)
class Became:
    """A name of Keras or TensorFlow, and what it is in PyTorch where it first stands."""

    line: int
    name: str
    pytorch: str
    count: int = 1


@dataclass
class Changes:
    """Collects what became what."""

    found: dict[str, Became] = field(default_factory=dict)

    def add(self, line: int, name: str, text: str) -> None:
        """Note that `name` became `text`."""
        short = " ".join(text.split())
        short = short if len(short) <= SHOWN else f"{short[: SHOWN - 1]}…"
        first = self.found.get(name)
        count = 1 if first is None else first.count + 1
        earliest = first if first is not None and first.line <= line else Became(line, name, short)
        self.found[name] = Became(earliest.line, name, earliest.pytorch, count)

    def sorted(self) -> tuple[Became, ...]:
        return tuple(sorted(self.found.values()))
