"""What becomes of masks in the call of a layer: `Layer.__call__` of keras/src/layers/layer.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.masking.roles import Role
from torchtwin.translate.masking.state import State, last_name
from torchtwin.translate.masking.values import LOST, Value, either, joined
from torchtwin.translate.search import findall
from torchtwin.translate.values import text_of


@dataclass
class Given:
    """The arguments of a call: tensors by name with their values, and which names are taken."""

    tensors: list[tuple[str, cst.BaseExpression, Value]] = field(default_factory=list)
    taken: dict[str, cst.BaseExpression] = field(default_factory=dict)

    @property
    def first(self) -> Value:
        return self.tensors[0][2] if self.tensors else Value()

    @property
    def explicit(self) -> str | None:
        """The mask that the call itself names."""
        text = text_of(self.taken["mask"]) if "mask" in self.taken else "None"
        return None if text == "None" else text


@dataclass
class Results(State):
    """Calls of layers; each gives the `Value` of its result."""

    def given(self, node: cst.Call, role: Role, values: Sequence[Value]) -> Given:
        """Return the arguments of a call; those for masks and `training` are no tensors here."""
        found = Given()
        places = [n for n in role.names if n not in ("training", "**")]
        for k, (arg, value) in enumerate(zip(node.args, values, strict=True)):
            name = arg.keyword.value if arg.keyword else places[k] if k < len(places) else ""
            found.taken[name] = arg.value
            if not name.endswith("mask") and name != "training" and self.is_tensor(arg.value):
                found.tensors.append((name, arg.value, value))
        return found

    def applied(self, node: cst.Call, role: Role, given: Given) -> Value:
        """Return what a call of a layer gives; note the masks that it is given."""
        match role.kind:
            case "keep":
                return Value(given.first.mask, given.first.written)
            case "embedding" | "masking":
                return self._made(node, given)
            case "use" | "pool" | "recurrent":
                return self._with_mask(node, role, given)
            case "merge" | "concat" | "switched":
                return self._merged(node, role, given)
            case "pair":
                return self._pair(node, given)
            case "heads":
                return self._heads(node, given)
            case "loss":
                self._loss(node, given)
            case "lambda" | "softmax" if any(value.masked for _, _, value in given.tensors):
                self.refuse(f"what {text_of(node.func)} does with a mask is not translated")
        return Value()

    def add(self, node: cst.Call, name: str, value: Value) -> None:
        """Write a mask as an argument of a call."""
        text = self.text(value)
        if LOST in text:
            self.refuse(f"the mask that {text_of(node.func)} uses is not followed")
            return
        self.notes.arguments.setdefault(node, {})[name] = text

    def _made(self, node: cst.Call, given: Given) -> Value:
        """An Embedding or Masking layer makes a mask of what it is given."""
        if not given.tensors or self.place is None:
            return Value(LOST)
        argument = given.tensors[0][1]
        if any(isinstance(c, cst.Call) and self.layers.role(self.cls, c.func, self.local)
               for c in findall(argument, m.Call())):  # fmt: skip
            argument = self._named(argument)
        wanted = ("mask", f"{last_name(node.func)}_mask")
        name = self.notes.name(node, "mask", *wanted)
        text = f"{text_of(node.func)}.compute_mask({text_of(argument)})"
        return Value(self.new_line((node, "mask"), name, text))

    def _named(self, argument: cst.BaseExpression) -> cst.BaseExpression:
        """Give an argument that is computed by layers a variable in front of the statement."""
        if not isinstance(argument, cst.Call) or self.place is None:
            return argument
        name = self.notes.name(argument, "hoisted", "inputs", "layer_inputs")
        self.notes.hoist(argument, self.place, name)
        return cst.Name(name)

    def _with_mask(self, node: cst.Call, role: Role, given: Given) -> Value:
        """A layer with an argument `mask` gets it where the call has no other tensor."""
        first = self.seen(node, given.first)
        mask = given.explicit or first.mask
        others = [(n, a) for n, a, _ in given.tensors[1:]]
        if "mask" not in given.taken and first.masked:
            maybe = [a for _, a in others if self._may_be_none(a)]
            if not others:
                self.add(node, "mask", first)
            elif len(maybe) == len(others):
                missing = " and ".join(f"{text_of(a)} is None" for a in maybe)
                text = self.text(first)
                self.add(node, "mask", Value(f"{text} if {missing} else None"))
        if not role.keeps or mask is None:
            return Value()
        if role.unsure and mask != LOST and self.place is not None and given.tensors:
            self.notes.use(mask)
            name = self.notes.name(node, "mask", f"{last_name(node.func)}_mask")
            source = text_of(given.tensors[0][1])
            text = f"{text_of(node.func)}.compute_mask({source}, {mask})"
            mask = self.new_line((node, "mask"), name, text)
            return Value(
                f"{mask}[0]" if role.returns_state else mask, first=bool(role.returns_state)
            )
        return Value(mask, first=role.returns_state is not False)

    def seen(self, node: cst.Call, value: Value) -> Value:
        """Return a value with the mask that a layer sees.

        Where a functional model calls a layer with a tensor and no more, Keras 3 writes the mask
        into its graph: what attention takes off the tensor later does not matter then.
        """
        plain = len(node.args) == 1 and node.args[0].keyword is None and value.parts is None
        return value.as_written() if self.functional and plain else value

    def _may_be_none(self, node: cst.BaseExpression) -> bool:
        """Tell whether an argument is one of the function's that is None where it is not given."""
        if self.function is None or not isinstance(node, cst.Name):
            return False
        params = [*self.function.params.params, *self.function.params.kwonly_params]
        return any(
            p.name.value == node.value and p.default is not None and text_of(p.default) == "None"
            for p in params
        )

    def _merged(self, node: cst.Call, role: Role, given: Given) -> Value:
        value = given.first
        if value.masked and role.kind == "switched":
            self._switched(node, role, value)
        written = self._merged_mask(role, value.as_written())
        return Value(self._merged_mask(role, value), written)

    def _switched(self, node: cst.Call, role: Role, value: Value) -> None:
        """These layers leave out what masks hide: they are given the masks."""
        self.add(node, "mask", value)
        for made in role.made:
            self.notes.arguments.setdefault(made, {})["masked"] = "True"

    def _merged_mask(self, role: Role, value: Value) -> str | None:
        if not value.masked:
            return None
        if value.parts is None:
            return LOST
        masks = [part.mask for part in value.parts]
        known = [mask for mask in masks if mask is not None]
        if LOST in known or (role.kind == "concat" and role.axis not in (-1, 1, 2)):
            return LOST
        if len(known) < len(masks):
            return LOST if role.kind == "concat" and role.axis == 1 else None
        if role.kind == "concat" and role.axis == 1:
            return joined(known)
        return either(known, sure=len(set(known)) == 1)

    def _pair(self, node: cst.Call, given: Given) -> Value:
        """Attention on a list of tensors takes a list of masks."""
        value = given.first
        if value.masked and "mask" not in given.taken:
            self.add(node, "mask", value)
        if given.explicit:
            return Value(f"{given.explicit}[0]")
        query = value.part(0) if value.parts else value
        return Value(query.mask, query.written, first=_scores(given))

    def _heads(self, node: cst.Call, given: Given) -> Value:
        """Multi-head attention gets the mask of each input, and takes it off these tensors."""
        if "query_mask" in given.taken:
            self.refuse("Keras 3 takes no notice of query_mask: leave it out")
        query = Value(given.first.mask, given.first.written, first=_scores(given))
        masks = [name.removesuffix("_mask") for name in given.taken if name.endswith("_mask")]
        for name, _, value in given.tensors:
            if name in ("query", "value", "key") and value.masked and name not in masks:
                self.add(node, f"{name}_mask", value)
        for _, _, value in given.tensors:
            value.mask = None
        return query

    def _loss(self, node: cst.Call, given: Given) -> None:
        """A loss leaves out what the mask of the prediction hides."""
        for name, _, value in given.tensors:
            if name == "y_pred" and value.masked:
                self.add(node, "mask", value)


def _scores(given: Given) -> bool:
    asked = given.taken.get("return_attention_scores")
    return asked is not None and text_of(asked) != "False"
