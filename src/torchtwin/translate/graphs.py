"""Models that stay as they are built: `Model(inputs, outputs)` over tensors is a graph that runs.

It is the way for programs whose construction cannot be told apart, at translation, into layers
that are made once and their application: builders in methods and closures, loops inside loops,
models cut out of others. The program keeps its text; symbols stand for the tensors, as Keras's do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import libcst as cst
import libcst.matchers as m

from torchtwin.emit.expressions import is_helper
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Source
from torchtwin.nn.applied import Apply
from torchtwin.nn.graphs import Graph, begun, named
from torchtwin.nn.symbols import symbol
from torchtwin.translate.containers import INPUTS
from torchtwin.translate.inventory import is_layer
from torchtwin.translate.parts.models import GraphModel
from torchtwin.translate.search import findall
from torchtwin.translate.values import text_of

if TYPE_CHECKING:
    from torchtwin.translate.program import Program
    from torchtwin.translate.rewriter import Rewriter

MODELS = ("keras.Model", "keras.models.Functional", "keras.models.functional.Functional")
OF_INPUTS = ("shape", "batch_size", "dtype", "sparse", "batch_shape", "name", "tensor", "optional")
OF_FIRST = ("input_shape", "batch_input_shape", "input_dim")
OF_MODELS = {"input": "inputs", "output": "outputs", "inputs": "inputs", "outputs": "outputs"}
MERGES = ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot")
EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def called(rewriter: Rewriter, name: str, original: cst.Call, updated: cst.Call) -> Any:
    """Return what becomes of a call in a program whose models are graphs; None for most calls."""
    program = rewriter.program
    _check_mask(rewriter, name, original)
    if name in INPUTS:
        return _input(program, original, updated)
    if name in MODELS:
        return updated.with_changes(
            func=cst.Name(graph_class(program)), args=_ends(original, updated)
        )
    cls = original.func.value if isinstance(original.func, cst.Name) else ""
    if cls in graph_classes(program) and program.inventory.method(cls, "__init__") is None:
        return updated.with_changes(args=_ends(original, updated))
    home, _, last = name.rpartition(".")
    if home == "keras.layers" and last in MERGES:
        return _merge(rewriter, last, original, updated)
    return None


def _check_mask(rewriter: Rewriter, name: str, call: cst.Call) -> None:
    """A graph does not hand masks on from tensor to tensor, as Keras does without a word."""
    asked = next((a.value for a in call.args if a.keyword and a.keyword.value == "mask_zero"), None)
    makes = asked is not None and text_of(asked) != "False"
    if not makes and name != "keras.layers.Masking":
        return
    layered = bool(rewriter.cls) and is_layer(rewriter.program.inventory, rewriter.cls)
    around = rewriter.inside(cst.Call)
    chained = around is not None and rewriter.program.names.of(around.func) == "keras.Sequential"
    if not layered and not chained:
        raise UnsupportedError(
            f"the mask that {name} makes is not handed on in a model that is built in this way",
            hint="make the layers in __init__ of a Model, and apply them in call",
        )


def graph_class(program: Program) -> str:
    """Return the name of the class of models."""
    return program.name_of(GraphModel if program.trains else Graph)


def super_init(original: cst.Call, updated: cst.Call) -> cst.Call:
    """`super().__init__(inputs=..., outputs=..., name=...)` of a class that comes from Model."""
    func = cst.parse_expression("super().__init__")
    return updated.with_changes(func=func, args=_ends(original, updated))


def _ends(original: cst.Call, updated: cst.Call) -> list[cst.Arg]:
    """Return the arguments of a model that say where it begins and ends."""
    kept: list[cst.Arg] = []
    for k, (before, after) in enumerate(zip(original.args, updated.args, strict=True)):
        key = before.keyword.value if before.keyword else ""
        if key in OF_MODELS:
            kept.append(after.with_changes(keyword=cst.Name(OF_MODELS[key])))
        elif before.star == "**" or key in ("name", "trainable") or (not key and k == 2):
            continue
        elif not key and k < 2 and not before.star:
            kept.append(after)
        else:
            raise UnsupportedError(f"Model({before.star}{key or '...'}) is not translated")
    if len(kept) != 2:
        raise UnsupportedError("a model without inputs and outputs is not translated")
    last = kept[-1]
    if isinstance(last.comma, cst.Comma) and "\n" not in text_of(last.comma):
        kept[-1] = last.with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return kept


def _input(program: Program, original: cst.Call, updated: cst.Call) -> cst.Call:
    """`Input((28, 28, 1), name="image")` is `symbol((28, 28, 1), name="image")`."""
    given: dict[str, tuple[cst.BaseExpression, cst.BaseExpression]] = {}
    for k, (before, after) in enumerate(zip(original.args, updated.args, strict=True)):
        if before.star or (not before.keyword and k >= len(OF_INPUTS)):
            raise UnsupportedError("keras.Input(*...) is not translated")
        key = before.keyword.value if before.keyword else OF_INPUTS[k]
        key = {"batch_input_shape": "batch_shape", "input_shape": "shape"}.get(key, key)
        given[key] = before.value, after.value
    for key, (value, _) in given.items():
        if key not in OF_INPUTS[:6] and text_of(value) not in ("None", "False"):
            raise UnsupportedError(f"keras.Input({key}=...) is not translated")
    if text_of(given.get("sparse", (cst.Name("None"),))[0]) not in ("None", "False"):
        raise UnsupportedError("keras.Input(sparse=...) is not translated")
    args = [cst.Arg(_shape(given))]
    dtype = program.values.of(*given["dtype"]) if "dtype" in given else None
    if dtype == "string":
        raise UnsupportedError("an input of strings is not translated")
    if dtype not in (None, "float32"):
        written = given["dtype"][1] if not isinstance(dtype, str) else program.node(dtype)
        args.append(cst.Arg(written, keyword=cst.Name("dtype"), equal=EQUAL))
    if "name" in given:
        args.append(cst.Arg(given["name"][1], keyword=cst.Name("name"), equal=EQUAL))
    return updated.with_changes(func=cst.Name(program.name_of(symbol)), args=args)


def chain(program: Program, original: cst.Call, made: Any) -> Any:
    """A Sequential whose tensors the program asks for is told how large its input is."""
    asked = re.search(r"\.(in|out)puts?\b", program.code)
    listed = next((a.value for a in original.args if isinstance(a.value, cst.List)), None)
    first = listed.elements[0].value if listed is not None and listed.elements else None
    if not asked or not isinstance(first, cst.Call) or not isinstance(made, cst.Call):
        return made
    if program.names.of(first.func) in INPUTS:
        start = _input(program, first, first)
    else:
        known = {a.keyword.value: a.value for a in first.args if a.keyword}
        given = {k.replace("input_", ""): (v, v) for k, v in known.items() if k in OF_FIRST}
        if not given:
            return made
        shape = given["dim"][0] if "dim" in given else _shape(given)
        start = cst.Call(cst.Name(program.name_of(symbol)), [cst.Arg(shape)])
    args = [cst.Arg(made), cst.Arg(start)]
    return cst.Call(cst.Name(program.name_of(begun)), args)


def _shape(given: dict[str, tuple[cst.BaseExpression, cst.BaseExpression]]) -> cst.BaseExpression:
    if "shape" in given:
        return given["shape"][1]
    if "batch_shape" not in given:
        raise UnsupportedError("keras.Input without a shape is not translated")
    whole = given["batch_shape"][1]
    if isinstance(whole, cst.Tuple) and whole.elements:
        rest = [e.with_changes(comma=cst.MaybeSentinel.DEFAULT) for e in whole.elements[1:]]
        return cst.Tuple(rest)
    return cst.parse_expression(f"{text_of(whole)}[1:]")


def _merge(rewriter: Rewriter, name: str, original: cst.Call, updated: cst.Call) -> Source:
    """`layers.add([a, b])` is one layer of the model, as `layers.Add()([a, b])` is."""
    from torchtwin.translate.resolve import layer

    if not original.args or original.args[0].star:
        raise UnsupportedError(f"{name}(*...) is not translated")
    _, *rest = original.args
    _, *after = updated.args
    made = layer(
        rewriter.program,
        name.capitalize(),
        original.with_changes(args=rest),
        updated.with_changes(args=after),
    )
    inputs = text_of(updated.args[0].value)
    return Source(f"{rewriter.program.text(made)}({inputs})")


def whole(rewriter: Rewriter, name: str, original: cst.Call, made: Any) -> Any:
    """Return what a call became so that a graph has it as one step, and under its name."""
    program = rewriter.program
    layered = bool(rewriter.cls) and is_layer(program.inventory, rewriter.cls)
    if layered and rewriter.cls not in graph_classes(program):
        return made
    if name.startswith("keras.layers.") and isinstance(made, Call):
        return _named(program, name, original, made)
    helper = isinstance(made, Call) and is_helper(made.function)
    if helper and not isinstance(made.function, type) and rewriter.inside(cst.Lambda) is None:
        applied = program.text(Call(Apply, (made.function,), {}))
        program.name_of(made.function)
        inner = program.text(made)
        return Source(applied + inner[inner.index("(") :])
    return made


def _named(program: Program, name: str, original: cst.Call, made: Any) -> Any:
    """Keep the name of a layer where the program asks for layers or outputs by their names."""
    if not name.rpartition(".")[2][:1].isupper() or not _asks_for_names(program):
        return made
    for arg in original.args:
        if arg.keyword is not None and arg.keyword.value == "name":
            return Call(named, (made, Source(text_of(arg.value))), {})
    return made


def _asks_for_names(program: Program) -> bool:
    code = program.code
    several = r"(loss|losses|metrics|loss_weights)\s*=\s*[\[{]"
    return "get_layer(" in code or bool(program.trains and re.search(several, code))


def graph_classes(program: Program) -> set[str]:
    """Return the program's classes of models that are given inputs and outputs."""
    if program.graph_classes is None:
        found = program.inventory
        models = [c for c in found.classes if found.root(c) == "keras.Model"]
        program.graph_classes = {c for c in models if _given_ends(program, c)}
    return program.graph_classes


def _given_ends(program: Program, cls: str) -> bool:
    init = program.inventory.method(cls, "__init__")
    if init is None:
        made = findall(program.module, m.Call(func=m.Name(cls)))
        return any(_has_ends(call) for call in made)
    calls = findall(init, m.Call(func=m.Attribute(attr=m.Name("__init__"))))
    return any(_has_ends(call) for call in calls)


def _has_ends(call: cst.CSTNode) -> bool:
    assert isinstance(call, cst.Call)
    keys = {a.keyword.value for a in call.args if a.keyword}
    places = [a for a in call.args if a.keyword is None and not a.star]
    return bool(keys & {*OF_MODELS}) or len(places) > 1
