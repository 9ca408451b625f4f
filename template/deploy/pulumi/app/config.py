"""Settings of the app. None of them is secret."""

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap

from .instance import App


def create(app: App) -> list[pulumi.Resource]:
    """Make the ConfigMap."""
    return [ConfigMap(name(app), metadata=app.metadata(name(app), "config"), immutable=False, data=data(app))]


def name(app: App) -> str:
    """Return the name of the ConfigMap."""
    return f"{app.name}-config"


def data(app: App) -> dict[str, str]:
    """Return the settings that all of the app's programs read."""
    config = app.values["config"]
    return {
        "BODY_LIMIT": str(config["bodyLimit"]),
        "CACHE_TTL": f"{config['cacheSeconds']}s",
        "DRAIN_DELAY": f"{config['drainSeconds']}s",
        "LOG_FORMAT": config["logFormat"],
        "LOG_LEVEL": config["logLevel"],
        "REQUEST_TIMEOUT": f"{config['requestTimeoutSeconds']}s",
        "SHUTDOWN_TIMEOUT": f"{config['shutdownSeconds']}s",
    }
