"""Promise: what would make requests fail is refused: strategies that cannot be kept, migrations that take away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tasks._lib.migrations import destructive

from tools.rendering import commit

from .conftest import Desk
from .test_deploy_commands import OLD, ready, release, remembers  # noqa: F401

PROBE = {"test": ["CMD", "/usr/local/bin/backend", "healthcheck"]}


def behind_nginx(desk: Desk, stack: dict[str, Any], **more: Any) -> None:
    """Let the stack have a proxy that leads to the backend."""
    stack["services"]["backend"] |= {"healthcheck": PROBE} | more
    del stack["services"]["frontend"]
    stack["services"]["nginx"] = {"image": "r/nginx@sha256:1", "environment": {"POOLS": "backend:8080"}}
    desk.says("config --format json", json.dumps(stack))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"healthcheck": None}, "backend has no health check"),
        ({"healthcheck": {"disable": True}}, "backend has no health check"),
        ({"ports": [{"published": "8080"}]}, "backend has `ports:`, which two containers cannot share"),
        ({"container_name": "api"}, "backend has `container_name:`"),
    ],
)
def test_what_cannot_be_replaced_while_it_runs(
    ready: Desk,  # noqa: F811
    stack: dict[str, Any],
    more: dict[str, Any],
    said: str,
) -> None:
    behind_nginx(ready, stack, **more)
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert said in result.output
    assert not ready.changes


def test_without_a_proxy_there_is_no_strategy(ready: Desk) -> None:  # noqa: F811
    result = ready.inv("deploy", "--yes", "--strategy", "blue-green")
    assert result.code == 1
    assert "--strategy blue-green needs a proxy" in result.output
    assert not ready.changes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--strategy", "magic"], "there is no strategy 'magic'"),
        (["--weight", "20"], "--weight is the share of a canary"),
        (["--strategy", "canary", "--weight", "100"], "--weight 100 is no percentage of some clients"),
    ],
)
def test_a_wrong_wish(ready: Desk, arguments: list[str], said: str) -> None:  # noqa: F811
    result = ready.inv("deploy", "--yes", *arguments)
    assert result.code == 1
    assert said in result.output
    assert not ready.changes


def test_the_plan_says_that_the_proxy_restarts(ready: Desk, stack: dict[str, Any]) -> None:  # noqa: F811
    behind_nginx(ready, stack)
    before = json.loads(json.dumps(stack))
    before["services"]["nginx"]["image"] = "r/nginx@sha256:2"
    remembers(ready, release(1, OLD) | {"objects": before})
    assert "! the proxy restarts, so requests fail for a moment" in ready.inv("deploy", "--plan").output
    remembers(ready, release(1, OLD) | {"objects": stack})
    assert "the proxy restarts" not in ready.inv("deploy", "--plan").output


DROPPING = "crates/common/migrations/postgres/9_größe.sql"
UNSAFE = f"{DROPPING} is not safe while the deployed release still runs"


def test_a_destructive_migration_is_refused(ready: Desk) -> None:  # noqa: F811
    remembers(ready, release(1, OLD) | {"commit": commit(ready.project, "Start")})
    assert ready.inv("deploy", "--plan").code == 2
    (ready.project / DROPPING).write_text("ALTER TABLE notes DROP COLUMN text;\n")
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert UNSAFE in result.output
    assert "`ALTER TABLE notes DROP COLUMN text` removes what the release before may use" in result.output
    assert not ready.changes
    assert ready.inv("deploy", "--plan", "--destructive").code == 2
    # Of a commit that a shallow checkout does not have, nothing can be known.
    remembers(ready, release(1, OLD) | {"commit": "c" * 40})
    unknown = ready.inv("deploy", "--yes")
    assert unknown.code == 1
    assert "the deployed commit cccccccccccc is not in this checkout" in unknown.output
    assert "git fetch --unshallow" in unknown.output
    assert not ready.changes
    assert ready.inv("deploy", "--plan", "--destructive").code == 2


def test_migrations_are_those_of_the_images(ready: Desk) -> None:  # noqa: F811
    before = commit(ready.project, "Start")
    (ready.project / DROPPING).write_text("ALTER TABLE notes DROP COLUMN text;\n")
    after = commit(ready.project, "Go on")
    platforms = {"linux/amd64": {"config": {"Labels": {"org.opencontainers.image.revision": before}}}}

    # This checkout is newer than the images of a tag: so are its migrations, which do not run.
    remembers(ready, release(1, OLD) | {"commit": before})
    ready.says("imagetools inspect .*json .Image", json.dumps(platforms))
    others = {"config": {"Labels": {"org.opencontainers.image.revision": "the proxy's own"}}}
    ready.says("imagetools inspect .*-nginx.*json .Image", json.dumps(others))
    result = ready.inv("deploy", "--tag", "1.0", "--yes")
    assert result.code == 0, result.output
    record = next(call for call in ready.changes if "volume create" in call)
    assert f'"commit":"{after}"' in record
    assert f'"source":"{before}"' in record

    # What is deployed next is compared with these images, and shown as what they are.
    remembers(ready, release(1, OLD) | {"commit": after, "source": before})
    assert UNSAFE in ready.inv("deploy", "--plan").output
    assert before[:12] in ready.inv("status").output
    # The record of what was built says of which commit it is; this checkout may be at another.
    ready.record_images("backend", "frontend", "cli", "nginx", commit=before)
    assert ready.inv("deploy", "--plan").code == 2
    ready.record_images("backend", "frontend", "cli", "nginx", commit=after)
    assert UNSAFE in ready.inv("deploy", "--plan").output


def test_the_pipeline_only_goes_forward(ready: Desk) -> None:  # noqa: F811
    before = commit(ready.project, "Start")
    (ready.project / "README.md").write_text("# Later\n")
    after = commit(ready.project, "Go on")
    remembers(ready, release(1, OLD) | {"commit": after})
    ready.record_images("backend", "frontend", "cli", "nginx", commit=before)
    result = ready.inv("deploy", "--forward", "--yes")
    assert result.code == 0, result.output
    assert f"Release 1 of production is of a later commit, {after[:12]}" in result.output
    assert "inv rollback --env production" in result.output
    assert not ready.changes
    assert ready.inv("deploy", "--plan").code == 2, "by hand, one may"
    # The same commit again, such as with other values, and later ones are brought about; so is what cannot be compared.
    for running in (before, "c" * 40):
        remembers(ready, release(1, OLD) | {"commit": running})
        assert ready.inv("deploy", "--forward", "--destructive", "--plan").code == 2
    ready.record_images("backend", "frontend", "cli", "nginx", commit=after)
    remembers(ready, release(1, OLD) | {"commit": after})
    assert ready.inv("deploy", "--forward", "--plan").code == 2


def test_images_that_do_not_say_what_they_are_of(ready: Desk) -> None:  # noqa: F811
    before = commit(ready.project, "Start")
    (ready.project / DROPPING).write_text("ALTER TABLE notes DROP COLUMN text;\n")
    remembers(ready, release(1, OLD) | {"commit": before})
    # The files that are here are the best that is known: they are compared.
    silent: list[dict[str, Any]] = [{}, {"config": {}}, {"config": {"Labels": None}}, {"linux/amd64": {}}]
    for said in silent:
        ready.says("imagetools inspect .*json .Image", json.dumps(said))
        assert UNSAFE in ready.inv("deploy", "--tag", "1.0", "--plan").output
    for of in (before + "-dirty", "unknown", "d" * 40):
        ready.record_images("backend", "frontend", "cli", "nginx", commit=of)
        assert UNSAFE in ready.inv("deploy", "--plan").output


def test_a_release_that_a_newer_checkout_made(ready: Desk) -> None:  # noqa: F811
    remembers(ready, release(1, OLD) | {"what_comes_some_day": 1})
    assert ready.inv("status").code == 0


@pytest.mark.parametrize(
    "sql",
    [
        "drop table notes",
        "-- fine\nALTER TABLE notes RENAME TO memos",
        "alter table notes rename column text to body",
        "ALTER TABLE notes ALTER COLUMN text TYPE varchar(10)",
        "alter table notes alter text set not null",
        "alter table notes add column author text not null",
        "alter table notes drop constraint notes_pkey",
        "alter table notes alter column text drop default",
        "alter table notes add constraint short check (length(text) < 100)",
        "alter table notes add unique (text)",
        "alter table notes add foreign key (author) references authors (id)",
        "create unique index concurrently once on notes (text)",
        "create table b (id int); create unique index once on notes (text)",
        "create table a (b int); delete from notes where 1 = 1",
    ],
)
def test_what_takes_something_away(sql: str) -> None:
    assert destructive(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "create table a (b int not null)",
        "-- drop table notes",
        "/* drop table notes; */ create index i on notes (text)",
        "alter table notes add column author text",
        "alter table notes add column author text not null default ''",
        "alter table notes alter column text drop not null",
        "drop index i",
        "create index concurrently i on notes (text)",
        "create table b (id int); create unique index once on b (id); alter table b alter id set not null",
        "create table b (id int unique, a int references notes (id))",
        "insert into settings values ('drop table notes')",
    ],
)
def test_what_only_adds(sql: str) -> None:
    assert not destructive(sql)
