"""What is known while one function is gone through."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from torchtwin.translate.masking.layers import Layers, Made, parameters
from torchtwin.translate.masking.notes import Line, Notes
from torchtwin.translate.masking.values import LOST, Value

NOT_TENSORS = ("number", "string", "none", "shape", "function", "module")


@dataclass
class State:
    """The values of variables (`env`), what made them (`local`), and where we are (`place`).

    `owner` is the name under which the arguments of the function are noted in `layers.masked`;
    `cls` is the class around, "" for none; `functional` tells that it stands for a functional
    model, or a part of one.
    """

    layers: Layers
    cls: str
    owner: str
    function: cst.FunctionDef | None
    local: dict[str, Made] = field(default_factory=dict)
    env: dict[str, Value] = field(default_factory=dict)
    elses: set[cst.CSTNode] = field(default_factory=set)
    notes: Notes = field(default_factory=Notes)
    place: cst.CSTNode | None = None
    functional: bool = False

    def refuse(self, reason: str) -> None:
        place = self.place if self.place is not None else self.function
        if place is not None:
            self.notes.refuse(place, reason)

    def is_tensor(self, node: cst.BaseExpression) -> bool:
        """Tell whether an argument counts as a tensor: what is surely none does not."""
        if isinstance(node, cst.Integer | cst.Float | cst.SimpleString | cst.FormattedString):
            return False
        if isinstance(node, cst.Name) and node.value in ("None", "True", "False"):
            return False
        kind = self.layers.kinds.get(node)
        return kind is None or kind.what not in NOT_TENSORS

    def new_line(self, key: tuple[cst.CSTNode, str], name: str, text: str) -> str:
        """Have a mask made in front of the statement; return its variable."""
        if self.place is None:
            return LOST
        return self.notes.line(key, Line(self.place, name, text))

    def text(self, value: Value) -> str:
        """Return a mask to be written here; a result that is used at once gets a variable."""
        for part in value.values():
            if part.call is not None and part.mask not in (None, LOST):
                self._hoist(part)
        if LOST not in value.text:
            self.notes.use(value.text)
        return value.text

    def _hoist(self, value: Value) -> None:
        """Put a call in front of the statement that uses the mask of its result."""
        assert isinstance(value.call, cst.Call)
        call = value.call
        made = self.notes.lines.get((call, "result"))
        if made is None or made.place is not self.place or not made.behind:
            return
        name = self.notes.name(call, "hoisted", "result")
        self.notes.hoist(call, made.place, name)
        self.notes.line((call, "result"), Line(made.place, made.name, made.text))


def mask_argument(layers: Layers, owner: str, function: cst.FunctionDef, name: str) -> str:
    """Return the argument that brings the mask of a tensor into a function of the program.

    Keras fills `mask` where a call has one tensor, `<name>_mask` where it has several.
    """
    names = parameters(function)
    several = owner in layers.several
    if "mask" in names and not several:
        return "mask"
    if f"{name}_mask" in names or several or len(layers.masked.get(owner, ())) > 1:
        return f"{name}_mask"
    return "mask" if "mask" not in names else f"{name}_mask"


def last_name(func: cst.BaseExpression) -> str:
    """Return the name after which variables of a layer's result are called."""
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else "own"
