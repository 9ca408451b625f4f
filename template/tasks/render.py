"""What each way to the cluster would create, to look at and to compare; nothing is asked of the cluster."""

import os
import sys
from typing import Any

import yaml
from invoke import Context, task
from invoke.exceptions import Exit

from ._lib import changing, differences, values
from ._lib.cluster.method import ClusterMethod
from ._lib.cluster.ownership import marks, ways
from ._lib.console import say, stop
from ._lib.objects import canonical
from ._lib.project import Environment, load

GROUP = "deploy"


@task(auto_shortflags=False, help={"to": "the way to deploy (default: the environment's own)", "env": changing.ENV})
def render(_context: Context, to: str = "", env: str = "") -> None:
    """Print the objects that a way would create from the environment's values, in one canonical form."""
    environment = load().environment(env or None, to)
    text = yaml.safe_dump_all(objects(environment, to or environment.method).values(), sort_keys=True)
    try:
        say(text.rstrip())
    except BrokenPipeError:
        # Whoever reads, such as `head`, has enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@task(auto_shortflags=False, help={"env": changing.ENV})
def compare(_context: Context, env: str = "") -> None:
    """Compare what all ways of this project would create from the environment's values, field by field."""
    environment = load().environment(env or None)
    made = {name: objects(environment, name) for name in ways()}
    first, *others = made
    say(f"{first:12} {len(made[first])} objects; {'the others' if others else 'no others'} are compared with these")
    differ = False
    for name in others:
        lines = differences.compare(made[first], made[name])
        differ |= bool(lines)
        say(f"{name:12} {len(made[name])} objects, {len(lines)} differing fields")
        for line in lines:
            say(f"  {line}")
    if differ:
        raise Exit(f"\n+ is what {first} has not, - is what only {first} has.", 1)


def objects(environment: Environment, name: str) -> dict[str, Any]:
    """Return what a way would create from an environment's values, by name; stop when they are wrong."""
    known = ways()
    if name not in known:
        stop(f"{name!r} is no way to a cluster; there are: {', '.join(known)}", "name one of these with --to")
    way: ClusterMethod = known[name](load(), environment)
    way.check_program()
    values.load(environment.name)
    return canonical(way.render({}), marks())
