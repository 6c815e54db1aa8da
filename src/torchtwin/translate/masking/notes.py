"""What is written into a program: arguments, statements that make masks, and refusals."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from torchtwin.translate.masking.values import names_in


@dataclass
class Line:
    """An assignment to a mask's variable, in front of a statement or behind it.

    It is written where one of the `names` that it assigns is used.
    """

    place: cst.CSTNode
    name: str
    text: str
    behind: bool = False
    number: int = 0


@dataclass
class Notes:
    """What one function gets; everything is kept by the node it is for, so that a second look at
    a loop's body replaces the first."""

    arguments: dict[cst.Call, dict[str, str]] = field(default_factory=dict)
    lines: dict[tuple[cst.CSTNode, str], Line] = field(default_factory=dict)
    hoisted: dict[cst.Call, Line] = field(default_factory=dict)
    outputs: dict[cst.CSTNode, str] = field(default_factory=dict)
    refused: dict[tuple[cst.CSTNode, str], None] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    count: int = 0
    named: dict[tuple[cst.CSTNode, str], str] = field(default_factory=dict)

    def name(self, node: cst.CSTNode, what: str, *wanted: str) -> str:
        """Return a new variable for something of a node: the first of those wanted that is free."""
        key = (node, what)
        if key not in self.named:
            free = next((n for n in wanted if n not in self.taken), "")
            count = 2
            while not free:
                numbered = f"{wanted[-1]}_{count}"
                free = numbered if numbered not in self.taken else ""
                count += 1
            self.named[key] = free
            self.taken.add(free)
        return self.named[key]

    def line(self, key: tuple[cst.CSTNode, str], line: Line) -> str:
        self.count += 1
        line.number = self.count
        self.lines[key] = line
        return line.name

    def hoist(self, call: cst.Call, place: cst.CSTNode, name: str) -> None:
        """Have a call made in front of its statement, where its result gets a name."""
        self.count += 1
        self.hoisted[call] = Line(place, name, "", number=self.count)

    def use(self, text: str) -> None:
        """Note that an expression is written somewhere: what it names has to be made."""
        self.used |= names_in(text)

    def written(self) -> list[Line]:
        """Return the lines that are needed, directly or by others."""
        while True:
            needed = [line for line in self.lines.values() if line.name in self.used]
            more = set().union(*(names_in(line.text) for line in needed)) - self.used
            if not more:
                return needed
            self.used |= more

    def refuse(self, place: cst.CSTNode, reason: str) -> None:
        self.refused[place, reason] = None
