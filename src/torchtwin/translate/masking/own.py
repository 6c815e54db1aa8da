"""Calls of classes and functions of the program, which are given masks and make some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.masking.layers import parameters
from torchtwin.translate.masking.notes import Line
from torchtwin.translate.masking.results import Given, Results
from torchtwin.translate.masking.roles import Role
from torchtwin.translate.masking.state import last_name, mask_argument
from torchtwin.translate.masking.values import LOST, Value
from torchtwin.translate.search import findall
from torchtwin.translate.values import text_of


@dataclass
class Own(Results):
    """What becomes of masks where the program's own classes and functions are called."""

    def own(self, node: cst.Call, role: Role, given: Given) -> Value:
        layers, cls = self.layers, role.cls
        function = layers.inventory.method(cls, "call")
        assert function is not None
        tensors = given.tensors
        if len(tensors) > 1:
            layers.several.add(cls)
        for k, (name, argument, value) in enumerate(tensors):
            seen = self.seen(node, value)
            if seen.text != value.text:
                self.refuse(f"{text_of(argument)} has lost its mask to an attention layer before")
            tensors[k] = name, argument, seen
        self._pass_masks(node, cls, function, given)
        names = parameters(function)
        auto = len(tensors) == 1 and "mask" in names and "mask" not in given.taken
        if auto and given.first.masked:
            self.add(node, "mask", given.first)
        for name, _, value in tensors if len(tensors) > 1 else ():
            declared = f"{name}_mask" in names and f"{name}_mask" not in given.taken
            if declared and value.masked:
                self.add(node, f"{name}_mask", value)
        return self._own_result(node, role, given)

    def _pass_masks(
        self, node: cst.Call, owner: str, function: cst.FunctionDef, given: Given
    ) -> None:
        """Note which tensors have masks, and give the function those that it needs inside."""
        layers = self.layers
        for name, _, value in given.tensors:
            if not value.masked or not name:
                continue
            layers.masked.setdefault(owner, set()).add(name)
            argument = mask_argument(layers, owner, function, name)
            if argument in layers.needed.get(owner, ()) and argument not in given.taken:
                self.add(node, argument, value)

    def made_inside(self, node: cst.Call, count: int) -> Value:
        """Return the result of a module that keeps its mask as `output_mask`."""
        if self.place is None:
            return Value(LOST)
        name = self.notes.name(node, "result", "mask", f"{last_name(node.func)}_mask")
        text = f"{text_of(node.func)}.output_mask"
        self.notes.line((node, "result"), Line(self.place, name, text, behind=True))
        if not count:
            return Value(name, call=node)
        return Value(parts=tuple(Value(f"{name}[{k}]", call=node) for k in range(count)))

    def _own_result(self, node: cst.Call, role: Role, given: Given) -> Value:
        layers, cls = self.layers, role.cls
        text = given.explicit or given.first.text
        mask = None if text == "None" else text
        computed = layers.inventory.method(cls, "compute_mask")
        if computed is not None:
            return self._computed(node, computed, mask, given)
        if cls in layers.leaks:
            layers.watched.add(cls)
            return self.made_inside(node, layers.leaks[cls])
        return Value(mask if role.keeps else None)

    def _computed(
        self, node: cst.Call, computed: cst.FunctionDef, mask: str | None, given: Given
    ) -> Value:
        """A class with its own compute_mask makes the mask of its result."""
        nothing = findall(computed, m.Return(m.Name("None")))
        if nothing and len(nothing) == len(findall(computed, m.Return())):
            return Value()
        if self.place is None or not given.tensors or mask == LOST:
            return Value(LOST)
        params = computed.params
        needs = len(params.params) > 2 and params.params[2].default is None
        more = f", {mask}" if mask or needs else ""
        if mask:
            self.notes.use(mask)
        argument = given.tensors[0][1]
        if findall(argument, m.Call()):
            argument = self._named(argument)
        name = self.notes.name(node, "mask", "mask", f"{last_name(node.func)}_mask")
        text = f"{text_of(node.func)}.compute_mask({text_of(argument)}{more})"
        return Value(self.new_line((node, "mask"), name, text))

    def helper(
        self, node: cst.Call, function: cst.FunctionDef, values: Sequence[tuple[cst.Arg, Value]]
    ) -> Value:
        """A function of the program that is given tensors with masks."""
        method = isinstance(node.func, cst.Attribute)
        owner = f"{self.cls}.{function.name.value}" if method else function.name.value
        names = parameters(function)[1 if method else 0 :]
        role = Role("own", tuple(names))
        given = self.given(node, role, [value for _, value in values])
        self.layers.several.add(owner)
        self._pass_masks(node, owner, function, given)
        return Value(LOST if owner in self.layers.leaks else None)
