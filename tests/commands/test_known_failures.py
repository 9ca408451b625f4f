"""Promise: what another program said is told as what it is, and not as something that merely sounds like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubernetes.conftest import part, tasks_of

SAID = {
    'error getting credentials - err: exec: "docker-credential-desktop": not found': "docker-credentials",
    "Unable to connect to the server: getting credentials: exec: executable aws not found": "cluster-credentials",
    "error during connect: command [ssh -l deploy -- shop docker system dial-stdio] has exited with exit status 255": (
        "engine-over-ssh"
    ),
    "error during connect: this error may indicate that the docker daemon is not running": "engine-stopped",
    "denied: requested access to the resource is denied": "registry-refuses",
    "denied: permission_denied: write_package": "registry-refuses",
    "pull access denied, repository does not exist or may require authorization": "registry-refuses",
    "unexpected status from HEAD request to https://r.example/v2/acme/notes/manifests/1: 500 Internal Server Error": (
        "registry-fails"
    ),
    "received unexpected HTTP status: 503 Service Unavailable": "registry-fails",
    "repository r.example/acme/notes not found: does not exist": "image-missing",
    "ValidatingAdmissionPolicy 'tags' with binding 'tags' denied request: no latest": "cluster-admission",
    "│ Error: Error acquiring the state lock": "terraform-locked",
    "git@example.com: Permission denied (publickey).": "",
    "fatal: repository 'https://example.com/template/' not found": "",
    "mkdir /srv: permission denied": "",
}


@pytest.mark.parametrize("said", list(SAID))
def test_it_is_known_for_what_it_is(everything: Path, said: str) -> None:
    known = part(tasks_of(everything), "failures").find(said)
    assert (known.name if known else "") == SAID[said]
