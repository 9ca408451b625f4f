"""A shell script for the NAS, that makes there what its API cannot: folders on a pool, and secrets nobody else sees."""

import re
import shlex

from ..forms import is_url
from .checks import APPS

# A password that was brought along may hold anything. Each of its bytes is escaped where one has to be.
_FUNCTIONS = r"""
in_url() {
  if [ -z "$(tr -d 'A-Za-z0-9._~-' < "$1")" ]; then cat "$1"
  else printf %s "$(cat "$1")" | od -An -v -tx1 | tr -d '\n' | tr ' ' %; fi
}
in_json() { sed 's/[\\"]/\\&/g' "$1"; }
""".strip()


def place(secrets: str, forms: dict[str, str | None], folders: dict[str, str]) -> str:
    """Return a script that makes a folder of secrets and the folders of the data; what is there stays as it is."""
    lines = ["(", "set -eu; umask 077"]
    lines += [_FUNCTIONS] if any(forms.values()) else []
    for folder, user in folders.items():
        quoted = shlex.quote(folder)
        lines.append(f"[ -d {quoted} ] || {{ mkdir -p {quoted}; chown {user or APPS} {quoted}; }}")
    lines.append(f"mkdir -p {shlex.quote(secrets)}; chmod 0700 {shlex.quote(secrets)}; cd {shlex.quote(secrets)}")
    # Random ones first: the others are made out of them.
    for name, form in sorted(forms.items(), key=lambda one: one[1] is not None):
        lines.append(f"[ -s {name} ] || {_value(form)} > {name}")
    lines += [f"chmod 0444 {' '.join(sorted(forms))}" if forms else ":", ")"]
    return "\n".join(lines)


def _value(form: str | None) -> str:
    if form is None:
        return "head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\\n'"
    names = re.findall(r"{(\w+)}", form)
    pattern = re.sub(r"{\w+}", "%s", form.replace("%", "%%")).replace("{{", "{").replace("}}", "}")
    written = "in_url" if is_url(form) else "in_json"
    return " ".join(["printf", shlex.quote(pattern), *(f'"$({written} {name})"' for name in names)])
