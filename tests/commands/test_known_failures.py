"""Promise: what another program said is told as what it is, and not as something that merely sounds like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubernetes.conftest import part, tasks_of

from .conftest import Desk

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
    'Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password': "registry-refuses",
    "failed to fetch oauth token: unexpected status from GET request to https://auth.docker.io/: 401 Unauthorized": (
        "registry-refuses"
    ),
    "server message: insufficient_scope: authorization failed": "registry-refuses",
    'Error response from daemon: Head "https://ghcr.io/v2/acme/notes/manifests/1": denied: denied': "registry-refuses",
    'Error response from daemon: Head "https://ghcr.io/v2/acme/notes/manifests/1": unauthorized': "registry-refuses",
    "Error response from daemon: denied": "registry-refuses",
    "Error response from daemon: error from registry: unauthorized": "registry-refuses",
    "unauthorized: unauthenticated: User cannot be authenticated with the token provided.": "registry-refuses",
    "#20 ERROR: failed to push ghcr.io/acme/notes:1: unexpected status from POST request: 403 Forbidden": (
        "registry-refuses"
    ),
    'Get "https://registry.gitlab.com/v2/": unauthorized: HTTP Basic: Access denied.': "registry-refuses",
    "denied: access forbidden": "registry-refuses",
    "error: unauthorized to access repository: acme/notes, action: push": "registry-refuses",
    "login attempt to http://harbor.example/v2/ failed with status: 401 Unauthorized": "registry-refuses",
    "GET https://harbor.example/v2/acme/notes/manifests/1: UNAUTHORIZED: project not found": "registry-refuses",
    "no basic auth credentials": "registry-refuses",
    "denied: Your authorization token has expired. Reauthenticate and try again.": "registry-refuses",
    "#7 ERROR: failed to configure registry cache importer: failed to authorize: r.example: 401 Unauthorized": "",
    '#7 ERROR: failed to configure registry cache importer: Head "https://r.example": dial tcp: no such host': "",
    "#12 34.56 12 |     return Err(StatusCode::UNAUTHORIZED);": "",
    "#12 34.56 error: access denied: no field of this name": "",
    '34.56 12 |     let said = "401 Unauthorized: ";': "",
    "12 |     Err(StatusCode::UNAUTHORIZED)": "",
    "   |     ^^^^ expected StatusCode::UNAUTHORIZED": "",
    "#12 34.56 error: could not write: No space left on device": "disk-full",
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


COMPILING = (
    'error[E0308]: mismatched types\n12 |  let said = "unauthorized: ";\nNo space left on device (os error 28)\n'
)


def test_cargo_has_words_of_its_own(desk: Desk) -> None:
    desk.records("cargo")
    desk.says("^cargo fmt")
    desk.says("^cargo clippy", stderr=COMPILING, code=101)
    result = desk.inv("lint")
    assert COMPILING in result.output
    assert "error: cargo clippy --locked … ended with exit code 101\n  fix: cargo clippy --fix" in result.output


def test_a_build_that_fails_beside_a_cache_that_is_refused(desk: Desk) -> None:
    said = (
        "#7 ERROR: failed to configure registry cache importer: r.example/acme: 401 Unauthorized\n"
        "#12 34.56 12 |     Err(StatusCode::UNAUTHORIZED)\n"
        "34.56 12 |     Err(StatusCode::UNAUTHORIZED)\n"
        "ERROR: failed to build: failed to solve: process did not complete successfully: exit code: 101\n"
    )
    desk.says("^buildx bake", stderr=said, code=1)
    result = desk.inv("build")
    assert result.code == 1
    assert "error: docker buildx bake … ended with exit code 1\n" in result.output


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'Error response from daemon: Get "https://r.example/v2/": unauthorized: authentication required',
            'v2/": unauthorized: authentication required\n  fix: see that REGISTRY_TOKEN is an account',
        ),
        ("Cannot connect to the Docker daemon", "Docker is installed but its engine does not answer"),
        ("error getting credentials - err: exit status 1", "Docker's credential helper does not work"),
        ("dial tcp: lookup r.example: no such host", "a registry or host cannot be reached"),
    ],
)
def test_a_login_that_fails_is_not_advised_to_log_in(desk: Desk, said: str, told: str) -> None:
    desk.environment |= {"REGISTRY_USERNAME": "ann", "REGISTRY_TOKEN": "hunter2"}
    desk.says("^login", stderr=said, code=1)
    result = desk.inv("login", "--registry", "r.example/acme")
    assert result.code == 1
    assert told in result.output
