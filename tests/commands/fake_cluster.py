"""Stands in for kubectl and helm: a cluster in a file, that takes every object and says that its pods are well.

Runs by itself, as the program of the name under which it is called. What it would say otherwise, a rule of the
recorder says first.
"""

import base64
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.argv[0])
STATE = PROGRAM.with_name("cluster.json")
RENDERED = PROGRAM.with_name("rendered.json")

KINDS = {
    "ConfigMap": ("configmaps", "v1"),
    "Deployment": ("deployments", "apps/v1"),
    "Ingress": ("ingresses", "networking.k8s.io/v1"),
    "Lease": ("leases", "coordination.k8s.io/v1"),
    "Namespace": ("namespaces", "v1"),
    "Secret": ("secrets", "v1"),
    "Service": ("services", "v1"),
}

Object = dict[str, Any]


def main() -> None:
    state: dict[str, Object] = json.loads(STATE.read_text())
    stdin = os.environ.get("FAKE_STDIN", "")
    code = helm(sys.argv[1:], state) if PROGRAM.name == "helm" else kubectl(sys.argv[1:], stdin, state)
    STATE.write_text(json.dumps(state))
    sys.exit(code)


def helm(arguments: list[str], state: dict[str, Object]) -> int:
    verb = arguments[0]
    rendered: list[Object] = json.loads(RENDERED.read_text())
    memory = {"kind": "Secret", "metadata": {"name": "sh.helm.v1", "labels": {"owner": "helm", "name": "acme-notes"}}}
    if verb == "version":
        print("v3.19.0")
    elif verb == "template":
        print("---\n".join(json.dumps(one) + "\n" for one in rendered))
    elif verb == "status":
        print(json.dumps({"version": 7}))
    elif verb == "get":
        print("---\n".join(json.dumps(one) + "\n" for one in state.get("helm/7", {}).get("objects", ())))
    elif verb in ("upgrade", "rollback"):
        state.setdefault("helm/7", {"objects": rendered})
        state[key(memory)] = memory
        for one in rendered if verb == "upgrade" else state["helm/7"]["objects"]:
            state[key(one)] = stored(one)
    elif verb == "uninstall":
        for one in rendered:
            state.pop(key(one), None)
    return 0


def kubectl(arguments: list[str], stdin: str, state: dict[str, Object]) -> int:
    while arguments[:1] in (["--context"], ["--namespace"]):
        arguments = arguments[2:]
    verb, words = arguments[0], [word for word in arguments[1:] if not word.startswith("-")]
    given = json.loads(stdin)["items"] if '"List"' in stdin else [json.loads(stdin)] if stdin else []
    if verb == "version":
        print("Client Version: v1.35.0")
    elif verb == "config":
        print("lab\nother")
    elif verb == "api-resources":
        print("\n".join(f"{name} {version} true {kind}" for kind, (name, version) in KINDS.items()))
    elif verb == "kustomize":
        print("---\n".join(json.dumps(one) + "\n" for one in json.loads(RENDERED.read_text())))
    elif "--dry-run=server" in arguments:
        print("\n".join(json.dumps(stored(one)) for one in given))
    elif verb == "get":
        return get(arguments, words, given, state)
    elif verb == "create" and given and given[0]["kind"] == "SelfSubjectAccessReview":
        print("\n".join(json.dumps({**one, "status": {"allowed": True}}) for one in given))
    elif verb == "create" and words[:1] == ["namespace"]:
        state[f"Namespace/{words[1]}"] = {"kind": "Namespace", "metadata": {"name": words[1], "labels": {}}}
    elif verb in ("create", "apply", "replace"):
        return put(verb, given, state)
    elif verb == "delete":
        gone = [key(one) for one in given] or [key(one) for one in chosen(arguments, words, state)]
        for name in gone:
            state.pop(name, None)
    return 0


def get(arguments: list[str], words: list[str], given: list[Object], state: dict[str, Object]) -> int:
    if "--raw" in arguments:
        print(json.dumps({"gitVersion": "v1.35.0"}))
    elif words[:1] == ["nodes"]:
        info = {"operatingSystem": "linux", "architecture": "amd64"}
        print(json.dumps({"kind": "List", "items": [{"status": {"nodeInfo": info}}]}))
    else:
        found = [state[key(one)] for one in given if key(one) in state] if given else chosen(arguments, words, state)
        if "name" in arguments[-1:]:
            print("\n".join(key(one) for one in found))
        elif "jsonpath" in arguments[-1]:
            form = arguments[-1].partition("jsonpath=")[2]
            print(re.sub(r"\{\.spec\.(\w+)\}", lambda name: found[0]["spec"][name[1]], form), end="")
        elif found or not (given or len(words) > 1):
            print(json.dumps({"kind": "List", "items": found}))
    return 0


def put(verb: str, given: list[Object], state: dict[str, Object]) -> int:
    for one in given:
        if verb == "create" and key(one) in state:
            print(f"Error from server (AlreadyExists): {key(one)} already exists", file=sys.stderr)
            return 1
        state[key(one)] = stored(one)
    return 0


def chosen(arguments: list[str], words: list[str], state: dict[str, Object]) -> list[Object]:
    """Return the objects of some kinds, by name or by labels; a Deployment comes with its pods."""
    kinds = words[0].split(",")
    if "pods" in kinds:
        heal(state)
    objects = [one for one in state.values() if one.get("kind") in KINDS] + pods(state)
    found = [one for one in objects if any(plural(one).startswith(kind.partition(".")[0]) for kind in kinds)]
    if "--selector" in arguments:
        text = arguments[arguments.index("--selector") + 1]
        wanted = dict(pair.split("=") for pair in text.split(","))
        labels = [(one, one["metadata"].get("labels", {})) for one in found]
        return [one for one, has in labels if wanted.items() <= has.items()]
    # What follows an option is no name.
    options = {arguments[number + 1] for number, word in enumerate(arguments[:-1]) if word.startswith("--")}
    names = set(words[1:]) - (options - {one["metadata"]["name"] for one in found})
    return [one for one in found if not names or one["metadata"]["name"] in names]


def plural(one: Object) -> str:
    return str(KINDS.get(one["kind"], (f"{one['kind'].lower()}s",))[0])


def pods(state: dict[str, Object]) -> list[Object]:
    """Return a set of pods for each Deployment, whose state a test may have set."""
    found: list[Object] = []
    for one in state.values():
        if one.get("kind") == "Deployment":
            name, labels = one["metadata"]["name"], one["metadata"]["labels"]
            broken = state.get(f"broken/{name}")
            well = {"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}}
            status = {"phase": "Running", "containerStatuses": [broken or well]}
            number = {"availableReplicas": 0 if broken else one["spec"].get("replicas", 1)}
            common = {"name": f"{name}-1", "namespace": "n", "labels": labels}
            owned = {**common, "uid": f"set-{name}", "ownerReferences": [{"uid": one["metadata"]["uid"]}]}
            found.append({"kind": "ReplicaSet", "metadata": owned, "status": number})
            owner = [{"uid": f"set-{name}"}]
            spec = one["spec"]["template"]["spec"]
            found.append(
                {"kind": "Pod", "metadata": {**common, "ownerReferences": owner}, "spec": spec, "status": status}
            )
    return found


def heal(state: dict[str, Object]) -> None:
    """Let what a test broke be well once it was asked for as often as the test says."""
    for name, broken in list(state.items()):
        if "for" in broken:
            broken["for"] -= 1
            if broken["for"] == 0:
                del state[name]


def stored(one: Object) -> Object:
    """Return an object as the API server stores it."""
    kept: Object = json.loads(json.dumps(one))
    kept["metadata"] |= {"uid": key(one), "generation": 1}
    if "stringData" in kept:
        texts = kept.pop("stringData")
        kept["data"] = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    if kept["kind"] == "Deployment":
        count = kept["spec"].get("replicas", 1)
        kept["status"] = {"observedGeneration": 1, "replicas": count, "updatedReplicas": count}
    return kept


def key(one: Object) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


if __name__ == "__main__":
    main()
