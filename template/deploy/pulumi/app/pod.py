"""What pods are made of."""

from typing import Any

from . import account, config, placement
from .checksum import checksum
from .component import Component
from .instance import App

Part = dict[str, Any]

# The API's own default, said because another way of deploying always says it: the objects must not differ.
TERMINATION_MESSAGE = "/dev/termination-log"


def template(component: Component) -> Part:
    """Return the template of a component's pods."""
    app = component.app
    pod, drain = app.values["pod"], app.values["config"]
    identity = pod["securityContext"]
    return {
        "metadata": {
            "labels": pod["labels"] | app.labels(component.name),
            # Pods are replaced when their settings change.
            "annotations": pod["annotations"] | {"checksum/config": checksum(config.data(app))} | component.annotations,
        },
        "spec": {
            **shared_spec(app),
            # Longer than the pod goes on serving and answering what is in flight.
            "termination_grace_period_seconds": drain["drainSeconds"] + drain["shutdownSeconds"] + 5,
            "security_context": security_context(identity["runAsUser"], identity["runAsGroup"], identity["fsGroup"]),
            "affinity": placement.affinity(pod["affinity"]),
            "topology_spread_constraints": placement.spread(pod["topologySpread"], app.labels(component.name)),
            "init_containers": [_first(component, command) for command in component.first],
            "containers": [_container(component) | _served(component)],
            "volumes": _volumes(component),
        },
    }


def shared_spec(app: App) -> Part:
    """Return what the pods of every component share."""
    pod = app.values["pod"]
    return {
        "service_account_name": account.name(app),
        "automount_service_account_token": False,
        "enable_service_links": False,
        "share_process_namespace": False,
        "restart_policy": "Always",
        "dns_policy": "ClusterFirst",
        "image_pull_secrets": [{"name": name} for name in app.values["images"]["pullSecrets"]],
        "node_selector": pod["nodeSelector"],
        "tolerations": placement.tolerations(pod["tolerations"]),
        "priority_class_name": pod["priorityClassName"] or None,
    }


def security_context(user: int, group: int, files: int) -> Part:
    """Return as whom the processes of a pod run."""
    return {
        "run_as_non_root": True,
        "run_as_user": user,
        "run_as_group": group,
        "fs_group": files,
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


def container_security_context(capabilities: list[str]) -> Part:
    """Return what a container may do: nothing but what `capabilities` names."""
    return {
        "run_as_non_root": True,
        "allow_privilege_escalation": False,
        "privileged": False,
        "read_only_root_filesystem": True,
        "capabilities": {"drop": ["ALL"], "add": capabilities or None},
    }


def image(values: Part) -> str:
    """Return an image by its digest, else by its tag."""
    version = f"@{values['digest']}" if values["digest"] else f":{values['tag']}"
    return f"{values['repository']}{version}"


def _container(component: Component) -> Part:
    """Return what the containers of a component share."""
    app, values = component.app, component.values
    return {
        "name": component.name,
        "image": image(component.image),
        "image_pull_policy": app.values["images"]["pullPolicy"],
        "security_context": container_security_context(app.values["pod"]["containerSecurityContext"]["capabilities"]),
        "resources": values["resources"],
        "termination_message_path": TERMINATION_MESSAGE,
        "env_from": [{"config_map_ref": {"name": config.name(app), "optional": False}}],
        "env": [
            {"name": name, "value": value} for name, value in [*component.env.items(), *sorted(values["env"].items())]
        ],
        "volume_mounts": _mounts(component),
    }


def _first(component: Component, command: str) -> Part:
    """Return a container that runs a command of the component's program before it serves."""
    return _container(component) | {"name": command, "args": [command]}


def _served(component: Component) -> Part:
    """Return what only the container that goes on running has: its arguments, ports and probes."""
    probes = component.values["probes"]
    called = [{"name": "http", "container_port": component.port, "protocol": "TCP"}] if component.port else []
    return {
        "args": list(component.args) or None,
        "ports": [*called, {"name": "metrics", "container_port": component.metrics_port, "protocol": "TCP"}],
        "startup_probe": _probe("/livez", component.probed, probes["startup"]),
        "readiness_probe": _probe("/readyz", component.probed, probes["readiness"]),
        "liveness_probe": _probe("/livez", component.probed, probes["liveness"]),
    }


def _probe(path: str, port: str, times: dict[str, int]) -> Part:
    return {
        "http_get": {"path": path, "port": port, "scheme": "HTTP"},
        "period_seconds": times["periodSeconds"],
        "timeout_seconds": times["timeoutSeconds"],
        "failure_threshold": times["failureThreshold"],
        "success_threshold": 1,
    }


def _mounts(component: Component) -> list[Part]:
    mounts = [mount("tmp", "/tmp", read_only=False)]  # noqa: S108
    if component.secret:
        mounts.append(mount("secrets", "/run/secrets"))
    extra = [
        mount(at["name"], at["mountPath"], read_only=at.get("readOnly", True), part=at.get("subPath", ""))
        for at in component.app.values["pod"]["extraVolumeMounts"]
    ]
    return mounts + extra


def mount(name: str, path: str, *, read_only: bool = True, part: str = "") -> Part:
    """Return where a volume, or a part of it, is in a container."""
    return {
        "name": name,
        "mount_path": path,
        "sub_path": part or None,
        "read_only": read_only,
        "mount_propagation": "None",
    }


def _volumes(component: Component) -> list[Part]:
    volumes: list[Part] = [{"name": "tmp", "empty_dir": {}}]
    if component.secret:
        volumes.append(secret_volume("secrets", component.secret))
    return volumes + [_extra_volume(volume) for volume in component.app.values["pod"]["extraVolumes"]]


def secret_volume(name: str, secret: str) -> Part:
    """Return a volume with a file per key of a Secret, which the pod's group may read."""
    return {"name": name, "secret": {"secret_name": secret, "default_mode": 0o440, "optional": False}}


def _extra_volume(volume: Part) -> Part:
    name = volume["name"]
    if volume.get("configMap"):
        return {"name": name, "config_map": {"name": volume["configMap"], "default_mode": 0o444, "optional": False}}
    if volume.get("secret"):
        return secret_volume(name, volume["secret"])
    return {"name": name, "empty_dir": {"size_limit": volume["emptyDir"]}}
