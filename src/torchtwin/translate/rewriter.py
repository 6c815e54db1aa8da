"""Writes a program's expressions in PyTorch, from the inside to the outside.

Each call, name and class is looked at with its meaning in the original program (`names`, `kinds`)
and its parts already in PyTorch. What a rule refuses stays, below a comment that says why.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from torchtwin.errors import TorchTwinError, UnsupportedError
from torchtwin.expr import Expr
from torchtwin.translate import (
    aliases,
    attributes,
    classes,
    graphs,
    makers,
    methods,
    settings,
    targets,
    training,
)
from torchtwin.translate.arrays import of_losses, with_arrays, with_tensors
from torchtwin.translate.augmented import assigned, beside
from torchtwin.translate.canonical import is_foreign
from torchtwin.translate.comments import with_comments
from torchtwin.translate.containers import INPUTS, adds_input, is_contained, sequential
from torchtwin.translate.devices import device_of
from torchtwin.translate.formatting import with_other_quotes
from torchtwin.translate.layer_lists import check_names
from torchtwin.translate.program import Program
from torchtwin.translate.ranks import check_product
from torchtwin.translate.refusals import marked
from torchtwin.translate.resolve import translated_call
from torchtwin.translate.values import ENTRIES, binding_of, text_of

PLAIN = (cst.Arg, cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Return, cst.Expr, cst.Index,
         cst.Element, cst.DictElement, cst.AssignTarget, cst.If, cst.While)  # fmt: skip
"""Where an expression needs no parentheses of its own."""
QUIET = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)


class Rewriter(cst.CSTTransformer):
    """Rewrites one module; see the module's docstring."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self.path: list[cst.CSTNode] = []
        self.reasons: list[list[str]] = []
        self.comments: list[cst.EmptyLine] = []  # of what was left out
        self.comments_at = 0

    # Where we are.

    def on_visit(self, node: cst.CSTNode) -> bool:
        self.path.append(node)
        if isinstance(node, cst.BaseStatement):
            self.reasons.append([])
        if isinstance(node, cst.Import | cst.ImportFrom):
            return False
        return not classes.left_out(self, node)

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        self.path.pop()
        made = super().on_leave(original_node, updated_node)
        updated = targets.checked(self, original_node, updated_node, made)
        if not isinstance(original_node, cst.BaseStatement):
            return updated
        updated = aliases.with_pending(self, updated)
        reasons = self.reasons.pop()
        if isinstance(original_node, cst.SimpleStatementLine) and isinstance(
            updated, cst.SimpleStatementLine
        ):
            updated = with_comments(original_node, updated)
        return marked(updated, reasons) if reasons and isinstance(updated, cst.CSTNode) else updated

    @property
    def parent(self) -> cst.CSTNode | None:
        return self.path[-1] if self.path else None

    def inside(self, kind: type[cst.CSTNode] | tuple[type[cst.CSTNode], ...]) -> Any:
        """Return the innermost node of a kind around the current one."""
        return next((node for node in reversed(self.path) if isinstance(node, kind)), None)

    @property
    def cls(self) -> str:
        """The name of the class around the current node, "" for none."""
        node = self.inside(cst.ClassDef)
        return node.name.value if node is not None else ""

    @property
    def method(self) -> cst.FunctionDef | None:
        """The definition of the method around the current node."""
        functions = [n for n in self.path if isinstance(n, cst.FunctionDef)]
        return functions[0] if functions and self.cls else None

    @property
    def device(self) -> Expr | None:
        """Where the function around the current node makes new tensors; None where unclear."""
        return device_of(self.method or self.inside(cst.FunctionDef), self.program.kinds)

    def refuse(self, node: cst.CSTNode, name: str, error: TorchTwinError) -> None:
        reason = str(error.problem).rstrip(".")
        if error.hint:
            reason += f" ({error.hint})"
        self.program.refusals.add(node, name, reason)
        if self.reasons:
            self.reasons[-1].append(reason)

    def placed(self, expr: Any) -> cst.BaseExpression:
        """Return an expression as the node that stands in the current place."""
        node = self.program.node(expr)
        loose = isinstance(self.parent, PLAIN) or self._binds_more(node)
        if isinstance(node, cst.Tuple) and isinstance(self.parent, cst.Assign):
            return node  # a shape, which reads as one
        if loose and len(getattr(node, "lpar", ())) == 1 and "\n" not in self.program.text(expr):
            node = node.with_changes(lpar=(), rpar=())
        return node

    def _binds_more(self, node: cst.BaseExpression) -> bool:
        """Tell whether an expression needs no parentheses beside the operator around it."""
        around = self.parent
        if not isinstance(around, cst.BinaryOperation | cst.Comparison) or not node.lpar:
            return False
        own = binding_of(node.with_changes(lpar=(), rpar=()))
        if isinstance(around, cst.Comparison):
            return own > 0
        return own > max(binding_of(around.with_changes(lpar=(), rpar=())), 0)

    # Expressions.

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802
        name = self.program.names.of(original_node.func) or ""
        if self.inside(cst.Decorator) is not None:
            return updated_node  # see classes
        try:
            made = settings.value_of(self, original_node, updated_node)
            if made is None:
                made = training.called(self, original_node, updated_node)
            if name in INPUTS and is_contained(self.program, self.inside(cst.Call), original_node):
                return updated_node  # left out by the container
            if made is None and self.program.graphs:
                made = graphs.called(self, name, original_node, updated_node)
            if made is None:
                made = methods.called(self, original_node, updated_node)
            if made is None and name == "keras.Sequential":
                made = sequential(self.program, original_node, updated_node)
                made = training.model(self, original_node, made)
                if self.program.graphs:
                    made = graphs.chain(self.program, original_node, made)
            if made is None and name == "functools.partial":
                made = makers.partial(self.program, original_node, updated_node)
            if made is None and is_foreign(name):
                given = of_losses(self, name, original_node, updated_node)
                made = translated_call(self.program, name, original_node, given, self.device)
            if made is None:
                given = with_arrays(self, name, original_node, updated_node)
                return with_tensors(self, original_node, given)
            if self.program.graphs:
                made = graphs.whole(self, name, original_node, made)
            node = made if isinstance(made, cst.BaseExpression) else self.placed(made)
        except UnsupportedError as error:
            if not self._taken_as_value(name):
                self.refuse(original_node, name or methods.written(original_node.func), error)
            return updated_node
        if is_foreign(name):
            line = self.program.refusals.lines.get(original_node, 0)
            self.program.became.add(line, name, text_of(node))
        return node

    def _taken_as_value(self, name: str) -> bool:
        """Tell whether an object of Keras is an argument of a call that reads it as a value."""
        kind = name.removeprefix("keras.").partition(".")[0]
        outer = next((n for n in reversed(self.path) if isinstance(n, cst.Call)), None)
        if kind not in ENTRIES or outer is None:
            return False
        around = self.program.names.of(outer.func) or ""
        return is_foreign(around) or methods.reads_values(outer)

    def leave_Attribute(  # noqa: N802
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        made: cst.BaseExpression = self._reference(original_node, updated_node)
        return made

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:  # noqa: N802
        made: cst.BaseExpression = self._reference(original_node, updated_node)
        return made

    def _reference(self, original: Any, updated: Any) -> Any:
        """A name of Keras that is not called: a dtype, a function given to another."""
        parent = self.parent
        name = self.program.names.of(original)
        if isinstance(parent, cst.Attribute) or self.inside(QUIET) is not None:
            quiet = isinstance(parent, cst.Attribute) and parent.value is not original
            if quiet or name is not None:
                return self._annotation(name, updated)
        if name is None:
            return attributes.own(self, original, updated)
        called = isinstance(parent, cst.Call) and parent.func is original
        base = isinstance(parent, cst.Arg) and isinstance(self.inside((cst.Call, cst.ClassDef)),
                                                          cst.ClassDef)  # fmt: skip
        given = parent.default if isinstance(parent, cst.Param) else getattr(parent, "value", None)
        target = isinstance(parent, cst.AssignTarget | cst.Param | cst.Arg)
        target = target and given is not original
        if called or base or target or not is_foreign(name):
            return updated
        if isinstance(parent, cst.Assign) and name.startswith("keras.layers."):
            return updated  # another name for the class: see aliases
        try:
            made = self._given(name)
        except UnsupportedError as error:
            if not self._given_as_value(name):
                self.refuse(original, name, error)
            return updated
        return updated if made is None else self.placed(made)

    def _given(self, name: str) -> Expr | None:
        """Return what a name is that is not called, by where it stands."""
        parent = self.parent
        if isinstance(parent, cst.Param):
            function = self.inside((cst.FunctionDef, cst.Lambda))
            return makers.default(self.program, name, parent.name.value, function)
        if self._asked_for(name):
            return makers.asked_for(self.program, name)
        return makers.value(self.program, name, parent, self.inside(cst.Call))

    def _asked_for(self, name: str) -> bool:
        """Tell whether something is compared with a class of layers: `isinstance(x, Dense)`."""
        outer = self.inside(cst.Call)
        asking = outer is not None and text_of(outer.func) in ("isinstance", "issubclass")
        compared = self.inside(cst.Comparison) is not None
        return name.startswith("keras.layers.") and (asking or compared)

    def _given_as_value(self, name: str) -> bool:
        """Tell whether a bare name goes to a call that knows it: `initializer=keras....Zeros`."""
        outer = next((n for n in reversed(self.path) if isinstance(n, cst.Call)), None)
        alias = isinstance(self.parent, cst.Assign) and outer is None
        return alias or (outer is not None and self._taken_as_value(name))

    def _annotation(self, name: str | None, updated: Any) -> Any:
        known = {"tf.Tensor": "torch.Tensor", "keras.KerasTensor": "torch.Tensor"}
        if name in known and self.inside(cst.Annotation) is not None:
            return cst.parse_expression(known[name])
        return updated

    def leave_Comparison(self, original_node: Any, updated_node: Any) -> Any:  # noqa: N802
        try:
            check_names(self.program, original_node)
        except UnsupportedError as error:
            self.refuse(original_node, "name", error)
        return updated_node

    def leave_BinaryOperation(  # noqa: N802
        self, original_node: cst.BinaryOperation, updated_node: cst.BinaryOperation
    ) -> cst.BaseExpression:
        if isinstance(original_node.operator, cst.MatrixMultiply):
            try:
                check_product(self.program, "@", [original_node.left, original_node.right])
            except UnsupportedError as error:
                self.refuse(original_node, "@", error)
        return beside(self.program, original_node, updated_node)

    def leave_Subscript(  # noqa: N802
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.BaseExpression:
        try:
            made = attributes.subscript(self, original_node, updated_node)
        except UnsupportedError as error:
            self.refuse(original_node, "[...]", error)
            return updated_node
        return updated_node if made is None else self.placed(made)

    def leave_FormattedString(self, original_node: Any, updated_node: Any) -> Any:  # noqa: N802, ARG002
        return with_other_quotes(updated_node)

    # Statements and definitions.

    def leave_AugAssign(self, original_node: Any, updated_node: Any) -> Any:  # noqa: N802
        return assigned(self.program, original_node, updated_node)

    def leave_SimpleStatementLine(self, original_node: Any, updated_node: Any) -> Any:  # noqa: N802
        if adds_input(self.program, original_node):
            return cst.RemoveFromParent()
        if aliases.is_alias(self, original_node, updated_node):
            return aliases.left_out(self, original_node, updated_node)
        changed = settings.statement(self, original_node, updated_node)
        if changed is not updated_node:
            return changed
        return classes.statement(self, original_node, updated_node)

    def leave_FunctionDef(self, original_node: Any, updated_node: Any) -> Any:  # noqa: N802
        return classes.function(self, original_node, updated_node)

    def leave_ClassDef(self, original_node: Any, updated_node: Any) -> Any:  # noqa: N802
        return classes.class_(self, original_node, updated_node)
