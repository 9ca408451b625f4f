"""Whole projects as git's trees: made of a folder, merged, compared, and put into place."""

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from .console import stop
from .run import ROOT, ask, read

LOCK = "Cargo.lock"
# What is in a submodule is no part of a tree, whatever the user has set for other commands.
_GIT = ["git", "-c", "submodule.recurse=false"]
_READ_TREE = [*_GIT, "read-tree", "-m", "-u"]


@dataclass(frozen=True)
class Conflict:
    """Changes of both sides that do not go together: in which file, and what git says of them."""

    path: str
    why: str


@dataclass(frozen=True)
class Merge:
    """What was committed, a tree with the changes of both sides, and those that do not go together."""

    before: str
    tree: str
    conflicts: tuple[Conflict, ...]


def check() -> None:
    """Stop unless this is a repository of its own with nothing uncommitted: what changes can be told apart then."""
    here = ask(["git", "rev-parse", "--git-dir"], env=os.environ | {"LC_ALL": "C"})
    if here.returncode != 0 and "not a git repository" not in here.stderr:
        stop(here.stderr.strip(), "see the message above")
    if ask(["git", "rev-parse", "--verify", "--quiet", "HEAD"]).returncode != 0:
        stop("this project has no commit yet", 'make one: `git init && git add --all && git commit -m "Start"`')
    if read(["git", "rev-parse", "--show-prefix"]).strip():
        stop("this project is a folder of a larger repository", "use `copier update` in it, and read what it says")
    if read(["git", "status", "--porcelain", "--untracked-files=no"]).strip():
        stop("there are uncommitted changes", "commit them, or put them away: `git stash`")


def head() -> str:
    """Return the tree of what is committed."""
    return read(["git", "rev-parse", "HEAD^{tree}"]).strip()


def of_folder(folder: Path) -> str:
    """Return a tree of everything in a folder, of which git's files of this repository get a copy."""
    repository = read(["git", "rev-parse", "--absolute-git-dir"]).strip()
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        # The template's files are as Copier writes them, whatever this repository is told of its own.
        settings = ["-c", "core.fileMode=true", "-c", "core.safecrlf=false"]
        git = ["git", *settings, "-C", str(folder), f"--git-dir={repository}", "--work-tree=."]
        # What the project ignores, or keeps out of a sparse checkout, belongs to it all the same when it is made.
        read([*git, "add", "--all", "--force", "--sparse"], env=environment)
        return read([*git, "write-tree"], env=environment).strip()


def merge(base: str, theirs: str, ours: Collection[str]) -> Merge:
    """Return what is committed with the changes from one tree to another; files of `ours` are never in conflict."""
    before, began = head(), _commit(base)
    # Their names stand in the marks of a conflict. All others but these are shared by the worktrees of a repository.
    sides = {"worktree/yours": _commit(before, began), "worktree/template": _commit(theirs, began)}
    for name, commit in sides.items():
        read(["git", "update-ref", f"refs/{name}", commit])
    # A file that the template adds to a folder which you moved goes where the folder is.
    git = ["git", "-c", "merge.directoryRenames=true"]
    try:
        done = ask([*git, "merge-tree", "--write-tree", "--name-only", "-z", *sides])
    finally:
        for name in sides:
            read(["git", "update-ref", "-d", f"refs/{name}"])
    if done.returncode not in (0, 1):
        stop(f"git cannot merge: {done.stderr.strip()}", "update git to 2.38 or later")
    tree, _, rest = done.stdout.partition("\0")
    conflicts = tuple(_conflicts(rest))
    if done.returncode == 1 and not conflicts:
        stop(f"git found a conflict and does not say where: {rest!r}", "report this to those who make the template")
    for name in {conflict.path for conflict in conflicts} & {*ours}:
        tree = _with_our(name, tree)
    return Merge(before, tree, tuple(conflict for conflict in conflicts if conflict.path not in ours))


def _conflicts(said: str) -> Iterator[Conflict]:
    """Read what `git merge-tree -z` says after the tree: names of files, and messages, each with the files it is about.

    The form is that of git-merge-tree(1), "Informational messages".
    """
    words = iter(said.split("\0"))
    # The names are in the messages again; a conflict of folders has none here.
    while next(words, ""):
        pass
    while count := next(words, ""):
        paths = [next(words) for _ in range(int(count))]
        kind, message = next(words), next(words).strip()
        if kind.startswith("CONFLICT"):
            yield Conflict(paths[0], message.removeprefix("CONFLICT "))


def changes(before: str, after: str) -> list[str]:
    """Return the names of files that differ between two trees, each with how: A, M, D or R."""
    command = ["git", "-c", "core.quotePath=false", "diff-tree", "-r", "--find-renames", "--name-status"]
    return [line.replace("\t", "  ") for line in read([*command, before, after]).splitlines()]


def can_put(before: str, after: str) -> None:
    """Stop when something that is not committed is in the way of a change of trees."""
    _check_free(before, after)
    read([*_READ_TREE, "-n", before, after], fix="move the files that it names away; nothing was changed")


def put(before: str, after: str, *, apart: bool = False) -> None:
    """Let the checkout and the index be a tree instead of another; files that are the same in both are not touched.

    `apart`: not to be broken off by a terminal's signals.
    """
    read([*_READ_TREE, before, after], apart=apart)


def _check_free(before: str, after: str) -> None:
    """Stop when a file that no commit has is where a change of trees would put one: git overwrites ignored ones."""
    command = ["git", "diff-tree", "-r", "-z", "--no-renames", "--diff-filter=A", "--name-only", before, after]
    added = [name for name in read(command).split("\0") if name]
    there = [name for name in added if os.path.lexists(ROOT / name)]
    folders = {str(folder) for name in added for folder in PurePath(name).parents[:-1]}
    there += [name for name in sorted(folders) if _is_no_folder(ROOT / name) and not _has(before, name)]
    if there:
        stop(f"{', '.join(there)} would be overwritten, and no commit has it", "move it away; nothing was changed")


def _is_no_folder(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _has(tree: str, name: str) -> bool:
    return ask(["git", "cat-file", "-e", f"{tree}:{name}"]).returncode == 0


def put_back(tree: str) -> None:
    """Let what differs in a tree be as it is committed, however far the way there came; nothing else is touched."""
    names = read(["git", "diff-tree", "-r", "-z", "--no-renames", "--name-only", "HEAD", tree])
    # What cargo did to it is no part of the tree.
    names += read(["git", "diff-index", "-z", "--name-only", "HEAD", "--", LOCK])
    restore = ["restore", "--source=HEAD", "--staged", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul"]
    # What a sparse checkout keeps out is among the names.
    restore.append("--ignore-skip-worktree-bits")
    # The index of a change that was broken off knows no new files: it has to, for them to go away.
    for command, stdin in ((["read-tree", "-m", "-i", tree], ""), (["--literal-pathspecs", *restore], names)):
        # Git heeds a signal even where it was started with all of them ignored.
        done = ask([*_GIT, *command], stdin=stdin, apart=True)
        if done.returncode != 0:
            stop(done.stderr.strip(), "settle that, then `git reset --hard`")


def staged() -> str:
    """Return the tree of the index."""
    return read(["git", "write-tree"]).strip()


def _with_our(name: str, tree: str) -> str:
    """Return a tree with a file as it is committed, or without it."""
    entry = read(["git", "ls-tree", "HEAD", "--", name]).split()
    with tempfile.TemporaryDirectory() as scratch:
        environment: Mapping[str, str] = os.environ | {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        read(["git", "read-tree", tree], env=environment)
        place = ["--add", "--cacheinfo", entry[0], entry[2]] if entry else ["--force-remove"]
        read(["git", "update-index", *place, name], env=environment)
        return read(["git", "write-tree"], env=environment).strip()


def _commit(tree: str, parent: str = "") -> str:
    """Return a commit that nothing names."""
    who = {f"GIT_{role}_{what}": "template" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    parents = ["-p", parent] if parent else []
    return read(["git", "commit-tree", *parents, "-m", "-", tree], env=os.environ | who).strip()
