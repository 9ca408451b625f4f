"""Scans what runs in an environment: what was harmless when it was deployed may not be so today."""

from invoke import Context, task

from ._lib import changing, scanner
from ._lib.console import say, stop
from ._lib.run import need

GROUP = "scan"


@task(auto_shortflags=False, help={"env": changing.ENV})
def deployed(_context: Context, env: str = "") -> None:
    """Scan the images of the release that runs in an environment."""
    need("trivy")
    scanner.check_ignored()
    environment, _method, former = changing.deployed(env)
    if not former:
        stop(f"{environment.name} has no release", f"deploy one: `inv deploy --env {environment.name}`")
    count = 0
    for name, reference in former[-1].images.items():
        found = scanner.scan(f"{environment.name}-{name}", ["image", reference])
        count += scanner.show(f"{name} of release {former[-1].number}", found)
    scanner.judge(count)
    say(f"\nNothing was found in {environment.name}. Next: `inv status --env {environment.name}`")
