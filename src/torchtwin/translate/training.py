"""Calls of a program that train: `compile`, `fit` and their kin, and what is given to them.

A model of a program that trains is a `Model` of translate/parts, whose methods have Keras's
names. So these calls stay as they are but for what they are given: "adam" becomes an optimizer,
"mse" a loss, "accuracy" a metric.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr
from torchtwin.translate import surface
from torchtwin.translate.canonical import is_foreign
from torchtwin.translate.containers import EQUAL, INPUTS
from torchtwin.translate.last_axis import axes_of
from torchtwin.translate.parts.models import MaskedModel, Sequential
from torchtwin.translate.rules import losses, metrics, optimizers
from torchtwin.translate.spelled import looked_up

if TYPE_CHECKING:
    from torchtwin.translate.program import Program
    from torchtwin.translate.rewriter import Rewriter

COMPILING = ["optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
             "steps_per_execution", "jit_compile", "auto_scale_loss"]  # fmt: skip
HARMLESS = frozenset({"run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"})
"""Arguments of `compile` that say how Keras computes, and not what."""
METHODS = frozenset({
    "compile", "fit", "evaluate", "predict", "train_on_batch", "test_on_batch",
    "predict_on_batch", "summary", "save", "save_weights", "load_weights", "get_weights",
    "set_weights", "count_params", "get_layer", "fit_generator", "evaluate_generator",
    "predict_generator",
})  # fmt: skip
"""Methods of Keras's models: a program that calls one has models that train."""
GENERATORS = {"fit_generator": "fit", "evaluate_generator": "evaluate",
              "predict_generator": "predict"}  # fmt: skip
QUEUE = frozenset({"workers", "use_multiprocessing", "max_queue_size", "max_q_size"})
"""Arguments of old versions that say how batches are fetched."""
RENAMED = {"nb_epoch": "epochs", "samples_per_epoch": "steps_per_epoch", "generator": "x"}
BATCHING = frozenset({"__getitem__", "DataLoader", "PyDataset", "Sequence", *GENERATORS})
"""Names in programs that make their batches themselves."""
REFUSED = {
    "predict_classes": "write np.argmax(model.predict(x), axis=-1)",
    "predict_proba": "write predict",
    "to_json": "the model is its class",
    "to_yaml": "the model is its class",
    "export": "use torch.export",
}
"""Methods that only Keras has, and what to do instead."""
COMMA = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
ROLES: dict[str, Callable[[str], Expr]] = {
    "optimizer": optimizers.of_string,
    "loss": losses.of_string,
    "metrics": metrics.of_string,
    "weighted_metrics": metrics.of_string,
}


def trains(program: Program) -> bool:
    """Tell whether a program does with some object what one does with a model of Keras."""
    finder = _Finder(program)
    program.module.visit(finder)
    program.features |= finder.features
    return finder.found


class _Finder(cst.CSTVisitor):
    """Looks for models that train, and for what makes batches."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program, self.found = program, False
        self.features: set[str] = set()

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        func = node.func
        if isinstance(func, cst.Attribute) and func.attr.value in METHODS:
            self.found = self.found or _may_be_model(self.program, func)
            if func.attr.value.startswith("fit") and any(arg.star for arg in node.args):
                self.features |= {"validation_split", "class_weight"}

    def visit_Yield(self, node: cst.Yield) -> None:  # noqa: N802, ARG002
        self.features.add("given")

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> None:  # noqa: N802, ARG002
        self.features.add("given")

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
        if node.value in BATCHING:
            self.features.add("given")


def _may_be_model(program: Program, func: cst.Attribute) -> bool:
    name = program.names.of(func)
    if name is not None and not is_foreign(name):
        return False  # re.compile, np.save
    kind = program.kinds.of(func.value)
    return kind.what in ("module", "unknown", "list", "none") and not isinstance(
        func.value, cst.SimpleString
    )


def called(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> Any:
    """Return what a call of a method of models becomes; None where nothing is to be done."""
    func = original.func
    if not isinstance(func, cst.Attribute) or not _may_be_model(rewriter.program, func):
        return None
    if (made := surface.called(rewriter, original, updated)) is not None:
        return made
    attr, keys = func.attr.value, {a.keyword.value for a in original.args if a.keyword}
    known = rewriter.program.kinds.of(func.value).what == "module"
    if attr == "compile" and (known or keys & {*COMPILING} or _names_optimizer(original)):
        return _compiled(rewriter, original, updated)
    if attr in GENERATORS or (attr in ("fit", "evaluate", "predict") and keys & {*QUEUE, *RENAMED}):
        return _modern(attr, updated)
    if attr in REFUSED and known:
        raise UnsupportedError(f"{attr}() of a model is not translated", hint=REFUSED[attr])
    if attr == "summary" and known and "print_fn" not in keys:
        return updated.with_changes(args=[])  # how a table of layers looks
    if attr in METHODS and known:
        surface.check_arguments(rewriter, original)
    return None


def _names_optimizer(call: cst.Call) -> bool:
    """Tell whether the first argument is the name of an optimizer: `compile("adam", "mse")`."""
    first = call.args[0].value if call.args else None
    if not isinstance(first, cst.SimpleString):
        return False
    try:
        optimizers.of_string(str(first.evaluated_value))
    except UnsupportedError:
        return False
    return True


def _modern(attr: str, updated: cst.Call) -> cst.Call:
    """Return a call of `fit` instead of `fit_generator`, without what fetches batches."""
    args = []
    for arg in updated.args:
        name = arg.keyword.value if arg.keyword else ""
        if name in QUEUE:
            continue
        new = RENAMED.get(name, name)
        args.append(arg.with_changes(keyword=cst.Name(new)) if name else arg)
    func = cst.ensure_type(updated.func, cst.Attribute)
    func = func.with_changes(attr=cst.Name(GENERATORS.get(attr, attr)))
    return updated.with_changes(func=func, args=_without_last_comma(args))


def _without_last_comma(args: list[cst.Arg]) -> list[cst.Arg]:
    if args and isinstance(args[-1].comma, cst.Comma):
        after = args[-1].comma.whitespace_after
        if isinstance(after, cst.SimpleWhitespace):
            args[-1] = args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return args


# What `compile` is given.


def _compiled(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> cst.Call:
    """Give `compile` objects of PyTorch where Keras takes names."""
    args: list[cst.Arg] = []
    named: set[str] = set()
    for k, (before, after) in enumerate(zip(original.args, updated.args, strict=True)):
        if before.star:
            args.append(after)
            named.add("optimizer")
            continue
        name = before.keyword.value if before.keyword else COMPILING[min(k, 8)]
        if name in HARMLESS:
            continue
        if name not in COMPILING:
            raise UnsupportedError(f"compile({name}=...) is not translated")
        named.add(name)
        changed = _given(rewriter, name, before.value, after.value)
        args.append(after.with_changes(value=changed))
    if "optimizer" not in named:
        default = rewriter.program.node(optimizers.of_string("rmsprop"))
        args.insert(0, cst.Arg(default, keyword=cst.Name("optimizer"), equal=_EQUAL))
    return updated.with_changes(args=_without_last_comma(args))


_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def _given(rewriter: Rewriter, role: str, before: Any, after: Any) -> Any:
    """Return an argument of `compile`, names in it replaced, in lists and dicts too."""
    if role not in ROLES:
        return after
    program = rewriter.program
    match before:
        case cst.SimpleString():
            return program.node(ROLES[role](str(before.evaluated_value)))
        case cst.Name(value="None"):
            return after
        case cst.List() | cst.Tuple() | cst.Dict() if len(before.elements) == len(after.elements):
            elements = [
                new.with_changes(value=_given(rewriter, role, old.value, new.value))
                if not isinstance(old, cst.StarredElement | cst.StarredDictElement)
                else new
                for old, new in zip(before.elements, after.elements, strict=True)
            ]
            return after.with_changes(elements=elements)
        case cst.IfExp():
            return after.with_changes(
                body=_given(rewriter, role, before.body, after.body),
                orelse=_given(rewriter, role, before.orelse, after.orelse),
            )
    name = program.names.of(before)
    if is_foreign(name) and not isinstance(before, cst.Call):
        return program.node(_named(role, str(name)))
    made = isinstance(before, cst.Call) and is_foreign(program.names.of(before.func))
    if role != "optimizer" and not made:
        program.features.add("own")
    return after if made else looked_up(program, before, after, ROLES[role])


def _named(role: str, name: str) -> Expr:
    """Return what a class or function of Keras stands for that `compile` is given by itself."""
    last = name.rpartition(".")[2]
    if role == "optimizer":
        return optimizers.of_string(last)
    if role == "loss":
        return losses.of_string(last)
    return metrics.of_function_named(last)


def model(rewriter: Rewriter, original: cst.Call, made: cst.BaseExpression) -> cst.BaseExpression:
    """Return an nn.Sequential as one that trains, where the program trains."""
    program = rewriter.program
    if not program.trains or not isinstance(made, cst.Call):
        return made
    masked = isinstance(made.func, cst.Name)  # nn.Sequential is an attribute
    func = cst.Name(program.name_of(MaskedModel if masked else Sequential))
    axes = None if masked else _axes(program, original)
    if axes is None:
        return made.with_changes(func=func)
    program.features.add("input_axes")
    last, value = made.args[-1], cst.Integer(str(axes))
    more = cst.Arg(value, keyword=cst.Name("input_axes"), equal=EQUAL, comma=last.comma)
    comma = made.args[0].comma if made.args[1:] else COMMA
    return made.with_changes(
        func=func, args=[*made.args[:-1], last.with_changes(comma=comma), more]
    )


def _axes(program: Program, original: cst.Call) -> int | None:
    """Return how many axes the input of a chain has, where the last one may be missing."""
    parts = original.args[0].value if original.args else None
    if not isinstance(parts, cst.List | cst.Tuple) or not parts.elements:
        return None
    first = parts.elements[0].value
    named = program.names.of(first.func) if isinstance(first, cst.Call) else ""
    return axes_of(first, program.module, "shape" if named in INPUTS else "")
