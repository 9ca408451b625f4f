"""Fills the form of a secret that is made of others, such as a URL with a password in it."""

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

_URL = re.compile(r"[a-z]+://")


def fill(form: str, values: Mapping[str, str]) -> str:
    """Return a form with values in their places, written as a URL needs them where it is one, else as JSON does.

    A password that was brought along, and not made here, may hold anything.
    """
    return form.format_map(_Written(values, is_url(form)))


def is_url(form: str) -> bool:
    """Return whether a form is that of a URL, and not of JSON."""
    return bool(_URL.match(form))


class _Written(dict[str, str]):
    """Values, each written as it is asked for."""

    def __init__(self, values: Mapping[str, str], in_url: bool) -> None:
        super().__init__()
        self._values, self._in_url = values, in_url

    def __missing__(self, name: str) -> str:
        value = self._values[name]
        return quote(value, safe="") if self._in_url else json.dumps(value)[1:-1]
