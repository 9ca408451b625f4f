"""The template that this project came from: its versions, and what each makes of this project's answers."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import trees
from .console import stop
from .run import ROOT, ask, hint, read

ANSWERS = ".copier-answers.yml"
# As it stands there, however it is quoted and wherever it is broken.
_SOURCE = re.compile(r"^_src_path:.*(?:\n[ \t].*)*", re.MULTILINE)
# As Copier understands them.
_SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


@dataclass(frozen=True)
class Origin:
    """Where the project came from: the template's address and version, and the answers that were given."""

    source: str
    version: str
    answers: dict[str, Any]


def origin() -> Origin:
    """Return where this project came from; stop when it no longer says so."""
    path = ROOT / ANSWERS
    if not path.is_file():
        stop(f"there is no {ANSWERS}, so nothing is known of the template", f"restore it: `git checkout {ANSWERS}`")
    known = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    for name in ("_src_path", "_commit"):
        if name not in known:
            stop(f"{ANSWERS} has no `{name}`", f"write it there as it once was: `git log --patch {ANSWERS}`")
    answers = {name: value for name, value in known.items() if not name.startswith("_")}
    return Origin(known["_src_path"], str(known["_commit"]), answers)


class Template:
    """A clone of the template, in a folder that somebody else takes away."""

    def __init__(self, source: str, folder: Path) -> None:
        """Clone the template."""
        self._folder = folder
        whole = source.removeprefix("git+")
        address = next((_SHORT[short] + source[3:] for short in _SHORT if source.startswith(short)), whole)
        read(
            ["git", "clone", "--quiet", "--no-checkout", address, str(folder)],
            fix=f"see that this machine reaches the template; `_src_path` in {ANSWERS} is its address",
        )

    def newest(self) -> str:
        """Return the newest version; stop when there is none yet."""
        tags = read(["git", "-C", str(self._folder), "tag", "--list", "v*", "--sort=-version:refname"]).split()
        released = [tag for tag in tags if re.fullmatch(r"v\d+(\.\d+)*", tag)]
        if not released:
            stop("the template has no version yet", "name a commit of it with --to")
        return released[0]

    def includes(self, version: str, other: str) -> bool:
        """Say whether all of another version is in a version."""
        command = ["git", "-C", str(self._folder), "merge-base", "--is-ancestor", other, version]
        return ask(command).returncode == 0

    def release(self, version: str) -> str:
        """Return the last release that is in a version; the version where there is none."""
        names = ["--tags", "--abbrev=0", "--match=v[0-9]*", "--exclude=*-*"]
        return ask(["git", "-C", str(self._folder), "describe", *names, version]).stdout.strip() or version

    def has(self, version: str) -> bool:
        """Say whether the template has a version."""
        command = ["git", "-C", str(self._folder), "rev-parse", "--verify", "--quiet", f"{version}^{{commit}}"]
        return ask(command).returncode == 0

    def check(self, version: str) -> None:
        """Stop, with the versions there are, unless the template has this one."""
        if not self.has(version):
            tags = read(["git", "-C", str(self._folder), "tag", "--sort=version:refname"]).split()
            stop(f"the template has no version {version!r}", f"choose from: {', '.join(tags) or 'its commits'}")

    def file(self, version: str, name: str) -> str:
        """Return a file of the template, as a version has it; empty where it has none."""
        return ask(["git", "-C", str(self._folder), "show", f"{version}:{name}"]).stdout

    def options(self, version: str) -> dict[str, list[str]]:
        """Return the questions of which several choices can be made, with their choices."""
        questions = yaml.safe_load(self.file(version, "copier.yml"))
        return {
            name: list(question["choices"].values())
            for name, question in questions.items()
            if isinstance(question, dict) and question.get("multiselect")
        }

    def left_alone(self, version: str) -> list[str]:
        """Return the files that are the user's from the first day."""
        settings = yaml.safe_load(self.file(version, "copier.yml"))
        return list(settings.get("_skip_if_exists", ()))

    def made(self, known: Origin) -> str:
        """Return the project as it once came from the template, as a tree of this repository."""
        return self.make(known.version, known.answers)

    def both(self, known: Origin, version: str, answers: dict[str, Any]) -> tuple[str, str]:
        """Return the project as it once came from the template, and as a version makes it of answers, as trees."""
        with ThreadPoolExecutor() as pool:
            base, theirs = pool.submit(self.made, known), pool.submit(self.make, version, answers)
            return base.result(), theirs.result()

    def make(self, version: str, answers: dict[str, Any]) -> str:
        """Return the project that a version makes of answers, as a tree of this repository."""
        with tempfile.TemporaryDirectory() as scratch:
            data, made = Path(scratch) / "answers.yml", Path(scratch) / "made"
            data.write_text(yaml.safe_dump(self._renamed(version, answers)), encoding="utf-8")
            # A commit: Copier takes what HEAD names together with the edits in the clone, of which no file is there.
            commit = read(["git", "-C", str(self._folder), "rev-parse", f"{version}^{{commit}}"]).strip()
            flags = ["--quiet", "--defaults", "--vcs-ref", commit, "--data-file", str(data)]
            done = ask([*_copier(), "copy", *flags, str(self._folder), str(made)])
            if done.returncode != 0:
                said = (done.stderr or done.stdout).strip().splitlines() or ["it says nothing"]
                stop(f"version {version} cannot be made of these answers: {said[-1]}", "settle first what it says")
            # It came from a clone, which will be gone.
            kept = made / ANSWERS
            ours = _SOURCE.findall((ROOT / ANSWERS).read_text(encoding="utf-8"))
            text = _SOURCE.sub(lambda _: "\n".join(ours), kept.read_text(encoding="utf-8"))
            kept.write_text(text, encoding="utf-8")
            return trees.of_folder(made)

    def _renamed(self, version: str, answers: dict[str, Any]) -> dict[str, Any]:
        """Return answers by the names that a version has for them."""
        names = yaml.safe_load(self.file(version, "renamed-answers.yaml")) or {}
        # One may have been renamed more than once.
        for _ in names:
            answers = {names.get(name, name): value for name, value in answers.items()}
        return answers


@contextmanager
def template(known: Origin) -> Iterator[Template]:
    """Give a clone of the template, and take it away afterwards; stop when it lacks what the project came from."""
    with tempfile.TemporaryDirectory() as folder:
        upstream = Template(known.source, Path(folder) / "template")
        if not upstream.has(known.version):
            cause = f"the template at {known.source} has no version {known.version!r}, from which this project came"
            stop(cause, f"correct `_src_path` or `_commit` in {ANSWERS}: `git log --patch {ANSWERS}` has earlier ones")
        yield upstream


def _copier() -> list[str]:
    """Return the command by which Copier is called here."""
    if shutil.which("copier"):
        return ["copier"]
    if shutil.which("uvx"):
        return ["uvx", "copier"]
    stop("copier is not installed", hint("copier"))
