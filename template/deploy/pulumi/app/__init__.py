"""The app on Kubernetes: a module per thing that it consists of."""

from . import account, backend, config, ingress, metrics, network, parts, route
from .instance import App as App


def create(app: App) -> None:
    """Make every object of an instance."""
    needs = [made for create in (account.create, config.create, *parts.NEEDS) for made in create(app)]
    for create_pods in (backend.create, *parts.PODS):
        create_pods(app, needs)
    network.create(app)
    ingress.create(app)
    route.create(app)
    metrics.create(app)
