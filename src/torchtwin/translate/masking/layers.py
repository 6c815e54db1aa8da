"""What the layers of a class do with masks."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.inventory import Inventory, is_layer
from torchtwin.translate.names import Names
from torchtwin.translate.values import arguments_of, text_of

MAKERS = frozenset({"Embedding", "Masking"})
RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D",
                       "ConvLSTM2D", "ConvLSTM3D", "CuDNNLSTM", "CuDNNGRU"})  # fmt: skip
KEEPERS = frozenset({
    "Dense", "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Identity", "LayerNormalization",
    "RMSNormalization", "UnitNormalization", "GroupNormalization", "EinsumDense",
    "ActivityRegularization", "Rescaling",
})  # fmt: skip
"""Layers that support masks and make nothing of them (supports_masking in keras/src/layers)."""
MERGES = frozenset({"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"})
USERS = frozenset({"GlobalAveragePooling1D", "Softmax", "BatchNormalization", "TimeDistributed"})
PAIRS = frozenset({"Attention", "AdditiveAttention"})
HEADS = frozenset({"MultiHeadAttention", "GroupQueryAttention"})


@dataclass(frozen=True)
class Role:
    """What a layer does with a mask: `makes`, `uses` it, `keeps` it on its output.

    `names` are the arguments of its call. A `hidden` one has no argument for a mask, but layers
    inside that would use it; `leaks` tells that the mask of its result is made inside; `cls` is
    its name where it is a class of the program.
    """

    makes: bool = False
    uses: bool = False
    keeps: bool = False
    names: tuple[str, ...] = ("inputs",)
    kind: str = ""
    hidden: bool = False
    leaks: bool = False
    cls: str = ""


@dataclass
class Layers:
    """The layers of each class of a program.

    `leaking` classes return a tensor with a mask; `masked` ones are called with one: only then do
    the tensors inside have it, whatever the argument `mask` is.
    """

    names: Names
    inventory: Inventory
    known: dict[str, dict[str, cst.BaseExpression]] = field(default_factory=dict)
    leaking: set[str] = field(default_factory=set)
    masked: set[str] = field(default_factory=set)

    def own_method(self, node: cst.ClassDef, name: str) -> cst.FunctionDef | None:
        for statement in node.body.body:
            if isinstance(statement, cst.FunctionDef) and statement.name.value == name:
                return statement
        return None

    def attributes(self, cls: str) -> dict[str, cst.BaseExpression]:
        """Return what the methods of a class and of its bases assign to attributes of `self`."""
        if cls not in self.known:
            found: dict[str, cst.BaseExpression] = {}
            target = m.Attribute(value=m.Name("self"))
            for owner in reversed(list(self.inventory.bases(cls))):
                node = self.inventory.classes.get(owner)
                for each in (
                    m.findall(node, m.Assign(targets=[m.AssignTarget(target)])) if node else ()
                ):
                    assert isinstance(each, cst.Assign)
                    attr = cst.ensure_type(each.targets[0].target, cst.Attribute).attr.value
                    if attr not in found or not m.matches(each.value, m.Name("None")):
                        found[attr] = each.value
            self.known[cls] = found
        return self.known[cls]

    def role(
        self, cls: str, func: cst.BaseExpression, loops: dict[str, cst.BaseExpression]
    ) -> Role | None:
        """Return the role of what is called, None where it is no layer."""
        made: cst.BaseExpression | None = None
        if isinstance(func, cst.Name):
            made = loops.get(func.value)
        elif isinstance(func, cst.Attribute) and m.matches(func.value, m.Name("self")):
            made = self.attributes(cls).get(func.attr.value)
        elif isinstance(func, cst.Subscript) and m.matches(func.value, m.Attribute(m.Name("self"))):
            inner = cst.ensure_type(func.value, cst.Attribute)
            made = element(self.attributes(cls).get(inner.attr.value))
        elif isinstance(func, cst.Call):
            made = func  # layers.Add()([a, b])
        return self.of(made)

    def of(self, made: cst.BaseExpression | None) -> Role | None:
        """Return the role of the layer that an expression makes."""
        if not isinstance(made, cst.Call):
            return None
        name = self.names.of(made.func) or ""
        if name == "keras.Sequential":
            return self._chain(made)
        if name.startswith("keras.layers."):
            return self._builtin(name.rpartition(".")[2], made)
        if isinstance(made.func, cst.Name) and made.func.value in self.inventory.classes:
            return self._own(made.func.value)
        return None

    def _builtin(self, last: str, made: cst.Call) -> Role:
        names = tuple(arguments_of("call", last) or ("inputs",))
        if last == "Masking":
            return Role(makes=True)
        if last == "Embedding":
            given = next((a.value for a in made.args if _key(a) == "mask_zero"), None)
            return Role(makes=given is not None and text_of(given) != "False")
        if last in RECURRENT:
            return Role(uses=True, keeps=_sequences(made), names=names, kind="recurrent")
        if last in PAIRS:
            return Role(uses=True, keeps=True, names=names, kind="pair")
        if last in HEADS:
            return Role(uses=True, keeps=True, names=names, kind="heads")
        if last in MERGES:
            return Role(keeps=True, kind="merge")
        if last in USERS:
            return Role(uses=True, keeps=last != "GlobalAveragePooling1D", names=names)
        return Role(keeps=last in KEEPERS, names=names)

    def _own(self, cls: str) -> Role | None:
        if not is_layer(self.inventory, cls):
            return None
        call = self.inventory.method(cls, "call")
        names = tuple(p.name.value for p in call.params.params[1:]) if call is not None else ()
        every = (*names, *(p.name.value for p in call.params.kwonly_params)) if call else ()
        uses = any(n == "mask" or n.endswith("_mask") for n in every)
        computed = self.inventory.method(cls, "compute_mask")
        makes = computed is not None and not m.findall(computed, m.Return(m.Name("None")))
        keeps = computed is None and "supports_masking" in self.attributes(cls)
        hidden = not uses and self._uses_inside(cls)
        return Role(makes, uses, keeps, every, "own", hidden, cls in self.leaking, cls)

    def _uses_inside(self, cls: str) -> bool:
        """Tell whether a layer inside would use the mask of what the class is called with."""
        roles = [self.of(element(v)) or self.of(v) for v in self.attributes(cls).values()]
        return any(r is not None and r.uses and r.kind != "own" for r in roles)

    def _chain(self, made: cst.Call) -> Role:
        """A Sequential hands masks on inside by itself; what comes out is not followed."""
        parts = [
            self.of(c)
            for c in m.findall(made, m.Call())
            if isinstance(c, cst.Call) and c is not made
        ]
        roles = [r for r in parts if r is not None]
        inside = any(r.makes for r in roles)
        last = roles[-1] if roles else Role()
        return Role(hidden=any(r.uses for r in roles), leaks=inside and (last.keeps or last.makes))


def element(made: cst.BaseExpression | None) -> cst.BaseExpression | None:
    """Return what makes an element of a list of layers."""
    if isinstance(made, cst.ListComp):
        return made.elt
    if isinstance(made, cst.List) and made.elements:
        return made.elements[0].value
    return None


def _key(arg: cst.Arg) -> str:
    return arg.keyword.value if arg.keyword is not None else ""


def _sequences(made: cst.Call) -> bool:
    """Tell whether a recurrent layer returns all steps; a wrapper asks the layer inside."""
    for arg in made.args:
        if _key(arg) == "return_sequences":
            return text_of(arg.value) != "False"
    inner = next((a.value for a in made.args if isinstance(a.value, cst.Call)), None)
    return _sequences(inner) if isinstance(inner, cst.Call) else False
