"""The overlays of deploy/kubernetes/, which follow from the environments' values."""

from invoke import Context, task

from ._lib import changing, values
from ._lib import overlay as overlays
from ._lib.console import say, stop
from ._lib.project import load
from ._lib.run import ROOT

GROUP = "deploy"


@task(auto_shortflags=False, help={"env": changing.ENV, "check": "write nothing; end with 1 when it is not current"})
def overlay(_context: Context, env: str = "", check: bool = False) -> None:
    """Write an environment's overlay from its values, for `kubectl apply -k`. Commit it."""
    project = load()
    environment = project.environment(env or None)
    namespace = environment.settings.get("namespace")
    if not namespace:
        stop(
            f"the environment {environment.name} has no namespace, so it has no overlay",
            f"name one that has with --env, or add `namespace: {project.name}-{environment.name}` to it in invoke.yaml",
        )
    folder = ROOT / "deploy" / "kubernetes" / "overlays" / environment.name
    own = values.load(environment.name)
    if overlays.current(folder, project.name, str(namespace), own):
        say(f"{folder.relative_to(ROOT)} is what the values say. Next: `inv deploy --plan --env {environment.name}`")
        return
    if check:
        stop(
            f"{folder.relative_to(ROOT)} is not what the values of {environment.name} say",
            f"write it anew and commit it: inv deploy.overlay --env {environment.name}",
        )
    for path in overlays.write(folder, project.name, str(namespace), own):
        say(f"Wrote {path.relative_to(ROOT)}. Next: commit it, `inv deploy --plan --env {environment.name}`")
