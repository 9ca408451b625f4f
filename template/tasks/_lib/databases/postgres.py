"""PostgreSQL, in its own container: dumps of the custom format, and a restore that swaps whole databases."""

import subprocess
from pathlib import Path

from ..console import confirm, say, stop
from ..failures import stop_because
from ..run import ROOT, ask, stream
from ..stacks import Stack

SERVICE = "postgres"
SUFFIX = ".dump"

_DUMP = 'exec pg_dump --username "$POSTGRES_USER" --format custom "$POSTGRES_DB"'
_READ = "exec pg_restore --data-only --file -"
# The first argument is the database, or nothing for the stack's own.
_SQL = 'exec psql --username "$POSTGRES_USER" --dbname "${1:-$POSTGRES_DB}" --no-psqlrc --quiet --tuples-only \
  --no-align --field-separator " " --set ON_ERROR_STOP=1 --set name="$POSTGRES_DB" --set admin="$POSTGRES_USER"'
_SHELL = 'exec psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"'

_ROWS = r"""
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', format('%I.%I', nspname, relname), nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1 \gexec
"""
# A dump has of an extension's own tables only what was added to them, if that.
_OF_EXTENSIONS = """
SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e' WHERE relkind = 'r';
"""
# What `inv secrets.rotate` made the owner of everything, if it did.
_OWNER = "SELECT coalesce((SELECT rolname FROM pg_roles WHERE rolname = :'name' || '_owner'), :'admin');"
_CREATE = """
DROP DATABASE IF EXISTS :"restored";
CREATE DATABASE :"restored" OWNER :"owner" TEMPLATE template0;
"""
_FILL = 'exec pg_restore --username "$POSTGRES_USER" --dbname "$1" --role "$2" --no-owner --no-privileges \
  --exit-on-error --single-transaction'
# Nobody may be connected to a database that is renamed. Both get their names in one transaction.
_SWAP = """
ALTER DATABASE :"name" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (:'name', :'restored') \\g /dev/null
BEGIN;
ALTER DATABASE :"name" RENAME TO :"replaced";
ALTER DATABASE :"restored" RENAME TO :"name";
COMMIT;
"""
_REOPEN = 'ALTER DATABASE :"name" ALLOW_CONNECTIONS true; DROP DATABASE IF EXISTS :"restored";'
_FORGET = 'DROP DATABASE IF EXISTS :"replaced";'


def backup(stack: Stack, path: Path) -> None:
    """Write a dump to a file, and read it back."""
    container = stack.running(SERVICE)
    partial = path.with_name(f"{path.name}.partial")
    try:
        done = stream(stack.inside(container, _DUMP), target=partial)
        if done.returncode != 0:
            said = done.stderr.strip()
            if "stdout: no space left" in said:
                stop(f"the disk of {path.parent} is full", "name a file on another one with --file")
            stop_because(said, f"the database cannot be dumped: {said}", f"see what it logged: {_logs(stack)}")
        rows = _rows_of(stack, container, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    say(f"Wrote {_shown(path)}: {_total(rows)}, {path.stat().st_size} bytes; it was read back.")


def restore(stack: Stack, path: Path, yes: bool) -> None:
    """Put a dump in the place of what the database holds, all of it or nothing; ask first when it holds something."""
    container = stack.running(SERVICE)
    rows = _rows_of(stack, container, path)
    there = _rows(stack, container)
    say(f"{_shown(path)} holds {_total(rows)}.")
    # What the migrations note down is no data.
    if any(count for table, count in there.items() if not table.startswith("public._")):
        say(f"It replaces EVERYTHING that {stack.project} holds now: {_total(there)}.")
        confirm(yes)
    name = sql(stack, container, "SELECT :'name';")
    owner = sql(stack, container, _OWNER)
    names = {"restored": f"{name}_restored", "replaced": f"{name}_replaced", "owner": owner}
    sql(stack, container, _FORGET + _CREATE, "postgres", **names)
    try:
        done = stream(stack.inside(container, _FILL, names["restored"], owner), source=path)
        if done.returncode != 0:
            stop(f"{_shown(path)} cannot be restored: {done.stderr.strip()}", "nothing was changed; use another backup")
        found = _rows(stack, container, names["restored"])
        others = set(sql(stack, container, _OF_EXTENSIONS, names["restored"]).splitlines())
        if _without(others, found) != _without(others, rows):
            stop(
                f"{_shown(path)} holds {_total(rows)}, but {_total(found)} arrived",
                "nothing was changed; try again, or use another backup",
            )
        sql(stack, container, _SWAP, "postgres", **names)
    finally:
        # After a swap there is nothing to reopen, and no second database.
        sql(stack, container, _REOPEN, "postgres", **names)
    sql(stack, container, _FORGET, "postgres", **names)
    say(f"Restored: {_total(rows)}, counted again.")


def shell(stack: Stack, terminal: bool) -> int:
    """Open the database's own shell and return how it ended."""
    flags = ["--interactive", *(["--tty"] if terminal else [])]
    command = [*stack.docker, "exec", *flags, stack.running(SERVICE), "sh", "-c", _SHELL]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def sql(stack: Stack, container: str, sql: str, database: str = "", **values: str) -> str:
    """Run SQL as the administrator, who needs no password inside the container, and return what it said."""
    given = "".join(f"\\set {name} '{value}'\n" for name, value in values.items())
    done = ask(stack.inside(container, _SQL, database), stdin=given + sql)
    if done.returncode != 0:
        stop(f"the database says: {done.stderr.strip()}", f"see what it logged: {_logs(stack)}")
    return done.stdout.strip()


def _rows_of(stack: Stack, container: str, path: Path) -> dict[str, int]:
    """Read all of a dump and return how many rows it has of each table; stop when it is broken."""
    with path.open("rb") as source:
        command = stack.inside(container, _READ)
        process = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        rows, table = {}, ""
        for line in process.stdout or ():
            if line.startswith(b"COPY ") and not table:
                table = line[5:].partition(b" (")[0].decode()
                rows[table] = 0
            elif line == b"\\.\n":
                table = ""
            elif table:
                rows[table] += 1
        said = (process.stderr.read() if process.stderr else b"").decode(errors="replace").strip()
        if process.wait() != 0:
            stop(f"{_shown(path)} is no complete dump: {said}", "nothing was changed; use another backup")
    return rows


def _rows(stack: Stack, container: str, database: str = "") -> dict[str, int]:
    """Return how many rows a database has of each table."""
    lines = sql(stack, container, _ROWS, database).splitlines()
    return {table: int(count) for table, _, count in (line.rpartition(" ") for line in lines)}


def _without(tables: set[str], rows: dict[str, int]) -> dict[str, int]:
    return {table: count for table, count in rows.items() if table not in tables}


def _logs(stack: Stack) -> str:
    return f"inv logs{stack.flags} --service {SERVICE}" if stack.flags else f"docker compose logs {SERVICE}"


def _total(rows: dict[str, int]) -> str:
    count = len(rows)
    return f"{sum(rows.values())} rows in {count} table{'' if count == 1 else 's'}"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
