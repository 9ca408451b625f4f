"""Waits until the pods of a release serve, and tells early and in full why they do not."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ..console import say
from ..releases import Failure
from .kubectl import Cluster, Object

# What a container does not get out of by waiting, and for how many seconds it must last to count. Where the number is
# not 0 the kubelet tries again: a busy node may, for example, not have read a ConfigMap in time.
_STUCK = {
    "CrashLoopBackOff": 0,
    "CreateContainerConfigError": 30,
    "CreateContainerError": 30,
    "ErrImageNeverPull": 0,
    "ImagePullBackOff": 0,
    "InvalidImageName": 0,
    "RunContainerError": 30,
}

# A service account that is made beside the Deployment may come a moment after it: a refusal counts when it stays.
_REFUSED_SECONDS = 10


@dataclass(frozen=True)
class _Rollout:
    """A Deployment as the cluster sees it, with its newest set of pods."""

    deployment: Object
    newest: Object
    pods: list[Object]

    @property
    def part(self) -> str:
        labels: dict[str, str] = self.deployment["metadata"]["labels"]
        return labels.get("app.kubernetes.io/component", str(self.deployment["metadata"]["name"]))

    @property
    def seen(self) -> bool:
        """Whether the controller has read the Deployment as it stands: what it says before is of the former one."""
        return bool(self._status("observedGeneration") >= self.deployment["metadata"]["generation"])

    @property
    def wanted(self) -> int:
        return int(self.deployment["spec"].get("replicas", 1))

    @property
    def ready(self) -> int:
        return int(self.newest.get("status", {}).get("availableReplicas", 0)) if self.seen else 0

    @property
    def done(self) -> bool:
        """Whether all new pods serve and all old ones have ended."""
        return self.seen and self.ready >= self.wanted and self._status("replicas") == self._status("updatedReplicas")

    @property
    def refused(self) -> str:
        """What the cluster says when it lets no new pod be made, such as a quota. What old ones meet does not count."""
        if self.seen:
            for condition in self.newest.get("status", {}).get("conditions", ()):
                if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                    return str(condition["message"])
        return ""

    def _status(self, field: str) -> int:
        return int(self.deployment.get("status", {}).get(field, 0))


@dataclass(frozen=True)
class _Obstacle:
    """What a rollout cannot get past once it has lasted for some seconds, and how to tell it."""

    name: str
    seconds: float
    failure: Callable[[], Failure]


def wait(cluster: Cluster, instance: str, names: set[str], seconds: float) -> list[Failure]:
    """Wait until the Deployments of some names serve; return what failed, or did not serve in time."""
    until = time.monotonic() + seconds
    shown: dict[str, str] = {}
    since: dict[str, float] = {}
    while True:
        rollouts = [one for one in _rollouts(cluster, instance) if one.deployment["metadata"]["name"] in names]
        for one in rollouts:
            line = f"  {one.part}: {one.ready} of {one.wanted} ready" + (", old pods end" if _ends(one) else "")
            if shown.get(one.part) != line:
                say(line)
                shown[one.part] = line
        now = time.monotonic()
        met = [list(_obstacles(cluster, one)) for one in rollouts]
        since = {one.name: since.get(one.name, now) for several in met for one in several}
        lasting = [[one for one in several if now - since[one.name] >= one.seconds] for several in met]
        # Of several pods that fail, one is told.
        if failed := [several[0].failure() for several in lasting if several]:
            return failed
        late = [one for one in rollouts if not one.done]
        if not late and len(rollouts) == len(names):
            return []
        if time.monotonic() > until:
            unseen = names - {one.deployment["metadata"]["name"] for one in rollouts}
            return [*(_late(cluster, one, seconds) for one in late), *_unseen(unseen, seconds)]
        time.sleep(1)


def _unseen(names: set[str], seconds: float) -> Iterator[Failure]:
    """Yield that nothing is known of some Deployments: somebody deleted them, or the cluster does not answer."""
    for name in sorted(names):
        yield Failure(name, f"the cluster did not show this Deployment within {seconds:.0f} s", "", "")


def _ends(rollout: _Rollout) -> bool:
    return rollout.seen and rollout.ready >= rollout.wanted and not rollout.done


def _rollouts(cluster: Cluster, instance: str) -> Iterator[_Rollout]:
    """Yield what is being rolled out; nothing while the cluster does not answer, which may pass."""
    selector = f"app.kubernetes.io/instance={instance}"
    done = cluster.ask("get", "deployments,replicasets,pods", "--selector", selector, "--output", "json")
    found: list[Object] = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    for one in found:
        if one["kind"] == "Deployment":
            sets = [other for other in found if _is_of(other, one["metadata"]["uid"])]
            newest: Object = max(sets, key=_revision, default={})
            pods = [other for other in found if newest and _is_of(other, newest["metadata"]["uid"])]
            yield _Rollout(one, newest, pods)


def _is_of(one: Object, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences", ()))


def _revision(replica_set: Object) -> int:
    return int(replica_set["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", 0))


def _obstacles(cluster: Cluster, rollout: _Rollout) -> Iterator[_Obstacle]:
    """Yield what may keep a rollout from going on."""
    if rollout.refused:
        yield _Obstacle(f"{rollout.part} refused", _REFUSED_SECONDS, partial(_refusal, rollout))
    for pod in rollout.pods if rollout.seen else ():
        for status in _statuses(pod):
            reason = (status["state"].get("waiting") or {}).get("reason")
            if reason in _STUCK:
                name = f"{pod['metadata']['name']} {status['name']} {reason}"
                yield _Obstacle(name, _STUCK[reason], partial(_failure, cluster, rollout, pod, status))


def _refusal(rollout: _Rollout) -> Failure:
    return Failure(rollout.part, f"no pod can be made: {rollout.refused}", "", "")


def _late(cluster: Cluster, rollout: _Rollout, seconds: float) -> Failure:
    """Return why a rollout is not over yet: that of its first pod that does not serve."""
    if rollout.refused:
        return _refusal(rollout)
    for pod in rollout.pods:
        for status in _statuses(pod):
            if not status.get("ready") and not _has_ended_well(status):
                return _failure(cluster, rollout, pod, status)
        for condition in pod["status"].get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                name = pod["metadata"]["name"]
                return Failure(rollout.part, f"pod {name} has no node: {condition.get('message', '')}", "", "")
    return Failure(rollout.part, f"{rollout.ready} of {rollout.wanted} ready after {seconds:.0f} s", "", "")


def _statuses(pod: Object) -> list[Object]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _has_ended_well(status: Object) -> bool:
    return bool((status["state"].get("terminated") or {}).get("exitCode") == 0)


def _failure(cluster: Cluster, rollout: _Rollout, pod: Object, status: Object) -> Failure:
    """Return what can be learnt of a container: its state, what its probe saw, and its last log lines."""
    name, container = pod["metadata"]["name"], status["name"]
    state, met = _state(status), _last_warning(cluster, name)
    running = "running" in status["state"]
    return Failure(
        f"{rollout.part} (pod {name}, container {container})",
        # What is only being created has met something that its own state does not tell.
        f"{state}: {met}"
        if met and status["state"].get("waiting", {}).get("message") is None and not running
        else state,
        "; ".join(text for text in (met, _answer(cluster, pod, container)) if text) if running else "",
        _logs(cluster, name, status),
    )


def _logs(cluster: Cluster, pod: str, status: Object) -> str:
    """Return a container's last lines: where it was restarted those of the one that ended, if they are still known."""
    restarted = status.get("restartCount") and not status["state"].get("running")
    for before in (["--previous"], []) if restarted else ([],):
        done = cluster.ask("logs", pod, "--container", status["name"], "--tail", "20", *before)
        # The kubelet may have removed that container meanwhile, which kubectl prints like a log.
        if done.returncode == 0 and not done.stdout.startswith("unable to retrieve container logs"):
            return done.stdout.strip()
    return ""


def _state(status: Object) -> str:
    """Return a container's state in a few words."""
    ((word, details),) = status["state"].items()
    reason, message = details.get("reason", ""), details.get("message", "")
    last = (status.get("lastState") or {}).get("terminated") or {}
    ended = f", last exit code {last['exitCode']}" if last else ""
    ended = f"{ended} ({last['reason']})" if last.get("reason") not in (None, "Error", "Completed") else ended
    return (f"{reason or word}{ended}" + (f": {message}" if message else "")).replace(
        "running", "runs, but is not ready"
    )


def _last_warning(cluster: Cluster, pod: str) -> str:
    """Return the newest warning about a pod, such as what its probe met."""
    selector = f"involvedObject.name={pod},type=Warning"
    done = cluster.ask("get", "events", "--field-selector", selector, "--output", "json")
    events = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    newest: Object = max(events, key=lambda event: str(event.get("lastTimestamp")), default={})
    return str(newest.get("message", "")).strip()


def _answer(cluster: Cluster, pod: Object, container: str) -> str:
    """Return what a running container answers to its readiness probe now, as far as it can be asked."""
    for one in pod["spec"]["containers"]:
        asked = (one.get("readinessProbe") or {}).get("httpGet")
        if one["name"] == container and asked:
            ports = {port.get("name"): port["containerPort"] for port in one.get("ports", ())}
            place = f"{pod['metadata']['name']}:{ports.get(asked['port'], asked['port'])}"
            return f"{asked['path']} says {cluster.get_through(place, asked['path'])}"
    return ""


def describe(pod: Object) -> tuple[str, str, str]:
    """Return name, state and image of a pod."""
    statuses = _statuses(pod)
    bad = [_state(one) for one in statuses if not one.get("ready") and not _has_ended_well(one)]
    state = "ending" if pod["metadata"].get("deletionTimestamp") else "ready" if statuses and not bad else ""
    return (
        pod["metadata"]["name"],
        state or (bad or [pod["status"].get("phase", "unknown").lower()])[0],
        pod["spec"]["containers"][0]["image"],
    )
