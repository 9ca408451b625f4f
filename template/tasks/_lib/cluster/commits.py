"""For ways of deploying that come back by doing again, with a former commit's files, what was done then."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import history
from ..console import stop
from ..images import Image
from ..releases import Failure, Permitted, Release
from ..run import ROOT, ask, read
from .method import ClusterMethod


class CommitMethod(ClusterMethod):
    """A way that deploys the files of a commit, so that every release can be made again."""

    def prepare(
        self, built: dict[str, Image], permitted: Permitted
    ) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Check also that a commit has what is deployed."""
        if history.has_changes("deploy"):
            stop(
                f"no commit has what is in deploy/ now, and {self.NAME} comes back to a release by its commit",
                "commit it: git add deploy && git commit",
            )
        return super().prepare(built, permitted)

    def _check_owner(self, permitted: Permitted) -> None:
        """Check also that the last release can be made again: a deploy that fails returns to it."""
        super()._check_owner(permitted)
        for release in self.releases()[-1:]:
            forgetting = self._cluster.command("delete", "secret", self._memory.secret(release))
            _check_commit(release, f"where it is lost for good, forget the release: {' '.join(forgetting)}")

    def prepare_again(self, release: Release) -> None:
        """Check also that the commit of that time is here."""
        super().prepare_again(release)
        _check_commit(release, "or name another release with --release")

    def _bring(self, release: Release) -> list[Failure]:
        return self._bring_from(ROOT, release)

    def _bring_back(self, release: Release) -> list[Failure]:
        with _checkout(release.commit) as folder:
            return self._bring_from(folder, release)

    def _bring_from(self, root: Path, release: Release) -> list[Failure]:
        """Make the tool bring a release about with a checkout's files."""
        raise NotImplementedError


def _check_commit(release: Release, otherwise: str) -> None:
    """Stop unless this repository has the commit of a release."""
    if not history.is_here(release.commit):
        stop(
            f"release {release.number} was made from commit {release.commit}, which this repository does not have",
            f"fetch it: git fetch origin {release.commit}; {otherwise}",
        )


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    """Give the project as a commit has it; it may be a folder of a larger repository."""
    prefix = read(["git", "rev-parse", "--show-prefix"]).strip()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "then"
        read(["git", "worktree", "add", "--detach", str(path), commit])
        try:
            yield path / prefix
        finally:
            ask(["git", "worktree", "remove", "--force", str(path)])
