"""Promise: an image with our configuration tells what it was made of, wherever and whenever it is built."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tasks._lib import configured, images

from tools.answers import CHECKOUT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The proxy's folder in another checkout, whose files came later, beside a registry that has its base."""
    copy = tmp_path / "deploy/compose/nginx"
    shutil.copytree(CHECKOUT / "template/deploy/compose/nginx", copy)
    for path in copy.iterdir():
        os.utime(path, (1, 1))
    monkeypatch.setattr(configured, "ROOT", tmp_path)
    stands(monkeypatch, "sha256:1")
    return copy


def stands(monkeypatch: pytest.MonkeyPatch, digest: str) -> None:
    """Let a digest stand under every name in the registry."""
    answer = CompletedProcess([], 0, digest, "")
    monkeypatch.setattr(images, "ask_registry", lambda _reference: answer)


def content(**bases: str) -> str:
    """What the proxy's image says of itself."""
    labels: dict[str, str] = configured.target("nginx", bases)["labels"]
    return labels["slipway.content"]


def test_times_do_not_matter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = content()
    assert len(elsewhere) == 32
    assert folder.is_dir()
    monkeypatch.setattr(configured, "ROOT", CHECKOUT / "template")
    assert content() == elsewhere


def test_all_else_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {content(), content(NGINX_BASE_IMAGE="mirror.example/nginx:1")}
    (folder / "start").chmod(0o644)
    seen.add(content())
    (folder / "server.conf").write_text("")
    seen.add(content())
    stands(monkeypatch, "sha256:2")
    seen.add(content())
    assert len(seen) == 5


@pytest.mark.parametrize("name", [path.name for path in sorted(CHECKOUT.glob("template/deploy/compose/*"))])
def test_no_umask_decides_who_may_read(name: str) -> None:
    dockerfile = CHECKOUT / "template/deploy/compose" / name / "Dockerfile"
    copies = [line.split() for line in dockerfile.read_text(encoding="utf-8").splitlines() if line.startswith("COPY ")]
    assert copies
    for _, option, *_ in copies:
        # What another stage made has its modes from there; what the image's own user owns, that one can read.
        assert option.startswith(("--chmod=", "--chown=", "--from="))
