"""A program that its author formats is formatted when it comes back."""

from __future__ import annotations

import subprocess

import libcst as cst

WIDTHS = (88, 100, 79, 120)
"""Widths of line that people set: those of black, of many projects, of PEP 8, of wide screens."""


def formatted_like(before: str, after: str) -> str:
    """Return `after` as ruff lays it out, where `before` is laid out so; otherwise as it is."""
    for width in WIDTHS:
        if _formatted(before, width) == before:
            return _formatted(after, width) or after
    return after


def _formatted(text: str, width: int) -> str | None:
    from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]

    command = [find_ruff_bin(), "format", "--isolated", "--line-length", str(width), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def with_other_quotes(node: cst.FormattedString) -> cst.FormattedString:
    """Return an f-string whose expressions do not end it: Python before 3.12 has no such quotes."""
    quote = node.quote
    other = "'" if quote == '"' else '"'
    parts = []
    for part in node.parts:
        if isinstance(part, cst.FormattedStringExpression):
            code = cst.Module([]).code_for_node(part.expression)
            if quote in code and other not in code:
                inner = cst.parse_expression(code.replace(quote, other))
                part = part.with_changes(expression=inner)
        parts.append(part)
    return node.with_changes(parts=parts)
