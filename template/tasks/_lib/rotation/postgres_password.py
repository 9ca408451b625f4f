"""The database's password: two roles take turns, and a third, which nobody logs in as, owns everything."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from urllib.parse import urlsplit, urlunsplit

from ..console import stop
from ..databases.postgres import sql
from ..run import ask
from ..stacks import Stack

SERVICE = "postgres"
URL = "database_url"

# The role that the database was made with, stays its administrator, and owned everything at first.
_NAMES = "SELECT :'name', :'admin';"
_ROLES = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname IN (:'first', :'second');"
_PREPARE = """
BEGIN;
-- An owner changes between two statements of a transaction, or the rotation fails; nobody waits for long.
SET LOCAL lock_timeout = '5s';
SELECT format('CREATE ROLE %I NOLOGIN', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \\gexec
SELECT format('CREATE ROLE %I', :'next') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'next') \\gexec
GRANT :"owner" TO :"next";
-- So that whatever it makes belongs to the owner too.
ALTER ROLE :"next" SET role = :'owner';
ALTER ROLE :"next" LOGIN PASSWORD :'password';
ALTER DATABASE :"name" OWNER TO :"owner";
CREATE TEMPORARY VIEW ours AS SELECT oid, nspname FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema';
CREATE TEMPORARY VIEW kept AS SELECT classid, objid FROM pg_depend WHERE deptype = 'e';
SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'owner') FROM pg_namespace
  WHERE oid IN (SELECT oid FROM ours) AND nspowner = :'admin'::regrole \\gexec
SELECT format('ALTER TABLE %I.%I OWNER TO %I', nspname, relname, :'owner') FROM pg_class
  JOIN ours ON ours.oid = relnamespace
  WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relowner = :'admin'::regrole
  AND NOT EXISTS (SELECT FROM kept WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid)
  -- A column's sequence goes with its table.
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
    AND relkind = 'S' AND deptype IN ('a', 'i')) \\gexec
SELECT format('ALTER ROUTINE %s OWNER TO %I', pg_proc.oid::regprocedure, :'owner') FROM pg_proc
  JOIN ours ON ours.oid = pronamespace WHERE proowner = :'admin'::regrole
  AND NOT EXISTS (SELECT FROM kept WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid) \\gexec
SELECT format('ALTER TYPE %s OWNER TO %I', pg_type.oid::regtype, :'owner') FROM pg_type
  JOIN ours ON ours.oid = typnamespace LEFT JOIN pg_class ON pg_class.oid = typrelid
  WHERE (typtype IN ('d', 'e', 'r') OR typtype = 'c' AND relkind = 'c') AND typowner = :'admin'::regrole
  AND NOT EXISTS (SELECT FROM kept WHERE classid = 'pg_type'::regclass AND objid = pg_type.oid) \\gexec
DROP VIEW ours, kept;
COMMIT;
"""
_FINISH = """
BEGIN;
ALTER ROLE :"admin" PASSWORD :'password';
SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', rolname) FROM pg_roles
  WHERE rolname IN (:'first', :'second') AND rolname <> :'current' \\gexec
COMMIT;
"""
# By the container's own address: from inside, no password is asked.
_TRY = """IFS= read -r PGPASSWORD && export PGPASSWORD
exec psql --host "$(hostname)" --username "$1" --dbname "$POSTGRES_DB" --quiet --no-password --command 'SELECT 1'"""


def unfinished(stack: Stack, held: dict[str, str]) -> bool:
    """Return whether a former rotation was cut off, so that the old and the new password may both be in use."""
    _, first, second = _roles(stack)
    other = {first: second, second: first}.get(_user(held))
    able = sql(stack, stack.running(SERVICE), _ROLES, first=first, second=second).split()
    return other in able


def prepare(stack: Stack, held: dict[str, str], password: str) -> dict[str, str]:
    """Let the role whose turn it is log in with a new password, and return the new secrets. The old ones work on."""
    container = stack.running(SERVICE)
    owner, first, second = _roles(stack)
    turn = second if _user(held) == first else first
    sql(stack, container, _PREPARE, owner=owner, next=turn, password=_verifier(password))
    tried = ask(stack.inside(container, _TRY, turn), stdin=password + "\n")
    if tried.returncode != 0:
        stop(f"{turn} cannot log in: {tried.stderr.strip()}", "nothing uses it yet; the old password works on")
    parts = urlsplit(held[URL])
    place = parts.netloc.rpartition("@")[2]
    return {URL: urlunsplit(parts._replace(netloc=f"{turn}:{password}@{place}"))}


def finish(stack: Stack, held: dict[str, str], password: str) -> None:
    """Let only the present role log in; the administrator's password follows it."""
    _, first, second = _roles(stack)
    given = {"first": first, "second": second, "current": _user(held), "password": _verifier(password)}
    sql(stack, stack.running(SERVICE), _FINISH, **given)


def _roles(stack: Stack) -> tuple[str, str, str]:
    """Return the names of the owner and of the two that take turns."""
    name = sql(stack, stack.running(SERVICE), _NAMES).split()[0]
    return f"{name}_owner", f"{name}_a", f"{name}_b"


def _user(held: dict[str, str]) -> str:
    parts = urlsplit(held[URL])
    if parts.hostname != SERVICE:
        stop(f"{URL} leads to {parts.hostname}, which is no service of this stack", "change its password there")
    return parts.username or ""


def _verifier(password: str) -> str:
    """Return what the server keeps of a password, so that not even its log can show the password itself."""
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (b64encode(one).decode() for one in (salt, stored, server))
    return f"SCRAM-SHA-256${rounds}:{salt64}${stored64}:{server64}"
