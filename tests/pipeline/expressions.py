"""Evaluates what workflows of this project write between `${{` and `}}`; anything else is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

# https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w.*-]*)|(==|!=|&&|\|\||[(),!]))")
_WHOLE = re.compile(r"\$\{\{(.+?)\}\}")


def fill(template: str, context: Mapping[str, Any]) -> Any:
    """Return a text with its expressions evaluated; one that is nothing but an expression keeps its type."""
    if alone := re.fullmatch(_WHOLE, template.strip()):
        return evaluate(alone[1], context)
    return _WHOLE.sub(lambda found: text(evaluate(found[1], context)), template)


def evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """Return the value of one expression; unknown properties are empty, as GitHub has it."""
    tokens, position = [], 0
    while position < len(expression.rstrip()):
        found = _TOKEN.match(expression, position)
        assert found, f"not understood: {expression[position:]!r}"
        tokens.append(next(part for part in found.groups() if part is not None))
        position = found.end()
    parser = _Parser(tokens, context)
    value = parser.either()
    assert not parser.tokens, f"not understood: {parser.tokens}"
    return value


def text(value: Any) -> str:
    """Return a value as a text has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Parser:
    """Recursive descent, weakest operator first; both sides are always evaluated, which has no effect here."""

    def __init__(self, tokens: list[str], context: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self._context = context
        self._functions: dict[str, Callable[..., Any]] = {
            "always": lambda: True,
            "format": lambda form, *values: re.sub(r"\{(\d+)\}", lambda found: text(values[int(found[1])]), form),
            "fromJSON": json.loads,
            "join": lambda values, between=",": between.join(map(text, values)),
        }

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._equal()
        while self._take("&&"):
            other = self._equal()
            value = value and other
        return value

    def _equal(self) -> Any:
        value = self._single()
        if self._take("=="):
            return value == self._single()
        if self._take("!="):
            return value != self._single()
        return value

    def _single(self) -> Any:
        if self._take("!"):
            return not self._single()
        if self._take("("):
            value = self.either()
            assert self._take(")")
            return value
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._take("("):
            values = []
            while not self._take(")"):
                values.append(self.either())
                self._take(",")
            return self._functions[token](*values)
        return {"true": True, "false": False}[token] if token in ("true", "false") else self._property(token)

    def _property(self, path: str) -> Any:
        value: Any = self._context
        first, *others = path.split(".")
        assert first in value, f"there is no context {first!r}"
        value = value[first]
        for position, name in enumerate(others):
            if name == "*":
                rest = others[position + 1 :]
                return [one[rest[0]] for one in value.values()]
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False
