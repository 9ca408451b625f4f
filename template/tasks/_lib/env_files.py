"""An environment's own values for the compose files: deploy/environments/<name>.env."""

from .compose import env_values
from .console import stop
from .differences import names_secret
from .run import ROOT


def name(environment: str) -> str:
    """Return the file's name."""
    return f"deploy/environments/{environment}.env"


def values(environment: str) -> dict[str, str]:
    """Return an environment's own values; stop when there is no such file, or when it holds a secret."""
    env_file = name(environment)
    path = ROOT / env_file
    if not path.is_file():
        stop(f"there is no {env_file}", f"create it: it holds the values of {environment}, and may be empty")
    found = env_values(path.read_text(encoding="utf-8"))
    for variable in found:
        if names_secret(variable):
            stop(
                f"{variable} in {env_file} looks like a secret, and that file is committed",
                "make it a secret file: see docs/configuration.md",
            )
    return found
