"""Layers made beforehand: what makes them, and the names they are kept under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow, loops
from torchtwin.translate.functional.along import Along, along
from torchtwin.translate.functional.apply import Applied, Made, with_attributes
from torchtwin.translate.functional.naming import (
    GENERIC,
    Attributes,
    attribute_base,
    literal_name,
    plural,
    snake,
)
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.rewrite import Statement, assign, attributes_of, expression, own
from torchtwin.translate.functional.shapes import without_tensors
from torchtwin.translate.functional.values import (
    LAYER,
    MODELS,
    STATIC,
    TENSOR,
    TENSOR_ATTRIBUTES,
    Env,
    Kind,
    Value,
)
from torchtwin.translate.search import findall


@dataclass
class Slot:
    """A layer that each turn of a loop makes."""

    name: str
    base: str
    creation: cst.BaseExpression
    nested: bool


@dataclass
class Halves:
    """The statements that make layers, and those that apply them."""

    init: list[Statement] = field(default_factory=list)
    call: list[Statement] = field(default_factory=list)

    def __iadd__(self, other: Halves) -> Halves:
        self.init += other.init
        self.call += other.call
        return self


@dataclass
class Shared:
    """What became of a statement in the class that has its layers."""

    attributes: list[str]
    call: list[Statement]
    variables: dict[str, str]  # the attributes of layers by variable
    owner: str = ""  # the variable of the model that has the layers


@dataclass
class Maker:
    """Makes layers beforehand, and names them; `env` is carried through statements."""

    program: Program
    env: Env
    attributes: Attributes
    eventual: dict[str, Kind]  # the largest kind that each variable has anywhere
    once: set[str]  # the variables that are assigned once
    words: set[str]  # every name in the body
    slots: list[Slot] | None = None  # in a loop: what each turn makes
    depth: int = 0  # how many blocks deep below the class or the loop
    later: bool = False  # whether layers are made further on
    copies: set[int] = field(default_factory=set)  # ids of statements that are in both halves
    builds: list[str] = field(default_factory=list)  # tensor shapes that making layers needs
    sink: list[Statement] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)  # plain values that are assigned once
    first: Env = field(default_factory=dict)
    shared: Mapping[int, Shared] = field(default_factory=dict)  # by the id of a statement
    record: dict[int, Shared] = field(default_factory=dict)
    conditions: list[cst.BaseExpression] = field(default_factory=list)  # of the `if`s around
    statements: list[Statement] = field(default_factory=list)  # of the whole class
    flags: Mapping[str, str] = field(default_factory=dict)  # whether a tensor is given
    known: Mapping[str, Along] = field(default_factory=dict)  # what goes along with parameters

    def __post_init__(self) -> None:
        self.first = dict(self.env)

    def kind_of_first(self, name: str) -> Kind:
        """Return the kind that a variable has at the beginning."""
        return self.first[name].kind if name in self.first else STATIC

    def kind_of_name(self, name: str) -> Kind:
        """Return the kind of a variable."""
        return self.env[name].kind if name in self.env else STATIC

    def attributed(self, node: Statement) -> Statement:
        """Return a statement with the layers it names read from `self`."""
        return with_attributes(node, self.env)

    def remember(self, statement: Statement, halves: Halves) -> None:
        """Note what became of a statement, for other models with the same layers."""
        names = {n: self.env[n].attribute for n in flow.bound(statement) if n in self.env}
        kept = {n: a for n, a in names.items() if a is not None}
        found = [a for s in halves.init for a in attributes_of(s)]
        self.record[id(statement)] = Shared(list(dict.fromkeys(found)), halves.call, kept)

    def taken_over(self, statement: Statement, shared: Shared) -> Halves:
        """Take the layers of a statement from the model that has them already."""
        self.program.kinds.step(statement, self.env)
        for name, attribute in shared.variables.items():
            self.env[name] = Value(self.env[name].kind, attribute)
        if twice := set(shared.attributes) & self.attributes.taken:
            raise Refusal(statement, f"two models have other layers for {', '.join(sorted(twice))}")
        self.attributes.taken |= set(shared.attributes)
        init = [assign(f"self.{a}", expression(f"{shared.owner}.{a}")) for a in shared.attributes]
        self.record[id(statement)] = shared
        return Halves(list(init), list(shared.call))

    def applied(self, node: cst.BaseExpression, variable: str | None) -> cst.BaseExpression:
        """Return an expression with the layers that it makes taken out of it."""
        self._check_inside(node)
        for call in findall(node, m.Call()):
            made_here = self.program.names.qualified(call.func) in MODELS
            if made_here and self.program.kinds.arguments(call, self.env) == TENSOR:
                raise Refusal(call, "a model is made inside another")
        visitor = Applied(self.program, self.env, self.keep, variable, node)
        changed = node.visit(visitor)
        assert isinstance(changed, cst.BaseExpression)
        return with_attributes(changed, self.env)

    def _check_inside(self, node: cst.BaseExpression) -> None:
        """Refuse the tensors inside another model."""
        for part in findall(node, m.Attribute()):
            inside = part.attr.value in TENSOR_ATTRIBUTES
            if inside and self.program.kinds.of(part.value, self.env) == LAYER:
                raise Refusal(part, "a tensor inside another model is used")

    def for_init(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """Return what makes a layer as it stands where no tensor is known."""
        known = without_tensors(self, node)
        if known is None:
            raise Refusal(node, "a layer's arguments come from a tensor inside the model")
        return with_attributes(known, self.env)

    def guarded(self, creation: cst.BaseExpression) -> cst.BaseExpression:
        """Return what makes a layer, None where the conditions around do not hold."""
        for condition in reversed(self.conditions):
            creation = cst.IfExp(self.for_init(condition), creation, cst.Name("None"))
        return creation

    def along(self, name: str) -> Along | None:
        """Return what goes along with the tensors in a variable."""
        if name in self.known:
            return self.known[name]
        return along(self.program, self.statements, name)

    def keep(self, made: Made) -> cst.BaseExpression:
        """Make a layer beforehand; return what names it where it is applied."""
        creation = self.for_init(made.creation)
        call = made.creation
        while isinstance(call, cst.IfExp):
            call = call.body
        assert isinstance(call, cst.Call)
        if made.over is not None:
            target, over = loops.without_tensors(self, made.over.target, made.over.iter)
            clause = made.over.with_changes(target=target, iter=over)
            name = self.attributes.numbered(plural(self.base(call)))
            self.sink.append(assign(f"self.{name}", cst.ListComp(creation, clause)))
            return own(name)
        if self.slots is not None:
            name = self._local(self.base(call))
            self.slots.append(Slot(name, self.base(call), self.guarded(creation), self.depth > 0))
            return cst.Name(name)
        attribute = self._attribute(call, made.name)
        self.sink.append(assign(f"self.{attribute}", creation))
        return own(attribute)

    def base(self, call: cst.Call) -> str:
        """Return the short name of a layer by what makes it."""
        last = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
        name = (self.program.names.qualified(call.func) or last).rpartition(".")[2]
        if name:
            return attribute_base(name)
        return snake(call.func.value) if isinstance(call.func, cst.Name) else "layer"

    def _local(self, base: str) -> str:
        assert self.slots is not None
        taken = self.words | {slot.name for slot in self.slots}
        name, number = base, 2
        while name in taken:
            name, number = (
                f"{base}_layer" if f"{base}_layer" not in taken else f"{base}{number}",
                number + 1,
            )
        return name

    def _attribute(self, call: cst.Call, variable: str | None) -> str:
        if literal := literal_name(call):
            return self.attributes.exact(literal)
        if (
            variable in self.once
            and variable not in GENERIC
            and variable is not None
            and len(variable) > 1
        ):
            return self.attributes.exact(variable)
        return self.attributes.numbered(self.base(call))
