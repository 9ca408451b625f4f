"""The cache's password: its user has both, the old and the new, until everything knows the new one."""

import hashlib

from ..console import stop
from ..run import ask
from ..stacks import Stack

SERVICE = "redis"

# Inside, the password is where the service itself reads it; commands come by standard input, so none shows in `ps`.
_CLIENT = "REDISCLI_AUTH=$(cat /run/secrets/redis_password) exec redis-cli --json -e"


def unfinished(stack: Stack, held: dict[str, str]) -> bool:
    """Return False: any number of passwords work side by side, and `finish` leaves the newest alone."""
    del stack, held
    return False


def prepare(stack: Stack, held: dict[str, str], password: str) -> dict[str, str]:
    """Let a new password in beside the old one. The secrets made of it follow their forms."""
    del held
    _tell(stack, f"ACL SETUSER default #{_hash(password)}")
    return {}


def finish(stack: Stack, held: dict[str, str], password: str) -> None:
    """Let no password in but the present one."""
    del held
    _tell(stack, f"ACL SETUSER default resetpass #{_hash(password)}")


def _tell(stack: Stack, command: str) -> None:
    done = ask(stack.inside(stack.running(SERVICE), _CLIENT), stdin=command + "\n")
    if done.returncode != 0 or "error" in done.stderr.lower():
        said = (done.stderr or done.stdout).strip()
        stop(f"{SERVICE} says: {said}", f"see what it logged: inv logs{stack.flags} --service {SERVICE}")


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
