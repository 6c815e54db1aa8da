"""Masks inside a keras.Sequential: nn.Sequential hands none on."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from torchtwin.translate.masking.own import Own
from torchtwin.translate.masking.results import Given
from torchtwin.translate.masking.roles import Role
from torchtwin.translate.masking.values import LOST, Value
from torchtwin.translate.values import text_of


@dataclass
class Plan:
    """What a Sequential does with masks: one that it is given (`given`), one that it makes.

    `uses` and `keeps` tell of the first, `needs` and `gives` of the second. `stops` are the
    places of the layers that end a mask; `problem` is why it cannot be said.
    """

    uses: bool = False
    keeps: bool = True
    makes: bool = False
    needs: bool = False
    gives: bool = False
    stops: list[int] = field(default_factory=list)
    problem: str = ""


@dataclass
class Chains(Own):
    """Calls of Sequentials."""

    def chained(self, node: cst.Call, role: Role, given: Given) -> Value:
        """Give a Sequential the mask of its input where a layer inside uses it."""
        plans = [(made, self.plan(made)) for made in role.made]
        masked = given.first.masked
        for made, plan in plans:
            if plan.problem and (masked or plan.makes):
                self.refuse(plan.problem)
                return Value()
            if (masked and plan.uses) or plan.needs or plan.gives:
                self.layers.chains.add(made)
        if masked and any(plan.uses for _, plan in plans) and "mask" not in given.taken:
            self.add(node, "mask", given.first)
        if any(plan.gives for _, plan in plans):
            return self.made_inside(node, 0)
        kept = [plan.keeps for _, plan in plans]
        if all(kept):
            return Value(given.explicit or given.first.mask)
        return Value(LOST if any(kept) and masked else None)

    def plan(self, made: cst.Call) -> Plan:
        """Say what a Sequential does with masks."""
        found = Plan()
        layers = next(
            (a.value for a in made.args if not a.keyword or a.keyword.value == "layers"), None
        )
        if layers is None:
            return found
        if not isinstance(layers, cst.List | cst.Tuple):
            found.problem = f"the layers of {text_of(made.func)} are not written out here"
            found.keeps = False
            found.makes = _may_make(layers)
            return found
        for k, element in enumerate(layers.elements):
            each = element.value
            if isinstance(element, cst.StarredElement):
                each = each.elt if isinstance(each, cst.ListComp) else each
            self._element(found, k, each)
        return found

    def _element(self, plan: Plan, k: int, node: cst.BaseExpression) -> None:
        role = self.layers.role(self.cls, node, self.local)
        if role is None:
            name = self.layers.names.of(node.func if isinstance(node, cst.Call) else node) or ""
            role = Role("keep", keeps=True) if name in ("keras.Input", "keras.InputLayer") else None
        if role is None or role.kind in ("pair", "heads", "merge", "concat", "switched", "lambda",
                                         "softmax"):  # fmt: skip
            if plan.keeps or plan.gives:
                plan.problem = f"a mask meets {text_of(node)}, of which is not known what it does"
            plan.keeps = plan.gives = False
            return
        if role.kind == "chain":
            self._nested(plan, role)
            return
        if role.uses:
            plan.uses, plan.needs = plan.uses or plan.keeps, plan.needs or plan.gives
        makes = role.kind in ("embedding", "masking")
        if role.kind == "own":
            makes = self._own_in_chain(plan, role)
        if makes:
            plan.makes = plan.gives = True
            plan.keeps = False
        elif not role.keeps:
            plan.keeps = plan.gives = False
            plan.stops.append(k)

    def _nested(self, plan: Plan, role: Role) -> None:
        inner = self.plan(role.made[0])
        plan.problem = plan.problem or inner.problem
        plan.uses = plan.uses or (plan.keeps and inner.uses)
        plan.needs = plan.needs or (plan.gives and inner.uses)
        plan.makes = plan.makes or inner.makes
        plan.keeps = plan.keeps and inner.keeps
        plan.gives = inner.gives or (plan.gives and inner.keeps)
        self.layers.chains.update(role.made)

    def _own_in_chain(self, plan: Plan, role: Role) -> bool:
        """A class of the program in a chain: note that its input has a mask."""
        layers, cls = self.layers, role.cls
        if (plan.keeps and plan.uses) or plan.gives:
            layers.masked.setdefault(cls, set()).update(role.names[:1])
        if cls in layers.leaks:
            layers.watched.add(cls)
        return cls in layers.leaks or layers.inventory.method(cls, "compute_mask") is not None


def _may_make(node: cst.BaseExpression) -> bool:
    text = text_of(node)
    return "mask_zero" in text or "Masking(" in text
