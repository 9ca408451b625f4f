"""The servers that integration tests talk to: throw-away containers, as crates/test-servers.yml describes them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit

from . import engine
from .console import say
from .run import ROOT, ask, read, run

FILE = ROOT / "crates" / "test-servers.yml"


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Run the servers, and give the variables by which tests find them. A project without servers has none."""
    if not FILE.exists():
        yield {}
        return
    engine.check()
    engine.check_plugin("compose")
    compose = ["docker", "compose", "--file", str(FILE)]
    try:
        try:
            run([*compose, "up", "--detach", "--wait"], fix="the last lines of the servers' logs above say why")
        except Exit:
            say(ask([*compose, "logs", "--tail", "20"]).stdout)
            raise
        services = json.loads(read([*compose, "config", "--format", "json"]))["services"]
        variables = {}
        for name, service in services.items():
            labels = service["labels"]
            address = read([*compose, "port", name, labels["test.port"]]).strip()
            variables[labels["test.variable"]] = labels["test.url"].replace("ADDRESS", address)
        yield variables
    finally:
        run([*compose, "down", "--volumes", "--timeout", "1"])
