"""The template that this project came from: what is new in it, and taking or leaving parts of it."""

import json
import re
import shutil
from typing import Any

from invoke import Context, task
from invoke.exceptions import Exit

from ._lib import signals, trees
from ._lib.console import confirm, reason, say, stop, tell
from ._lib.images import FOLDER
from ._lib.run import ROOT, ask, read
from ._lib.upstream import Origin, Template, origin, template

GROUP = "template"

# What was changed last, for the way back.
_LAST = FOLDER / "template.json"
_PROPOSAL = FOLDER / "proposal.patch"
# As a patch that applies anywhere, whatever the user has set for their own eyes.
_DIFF = ["git", "diff-tree", "--patch", "--find-renames", "--binary", "--no-ext-diff", "--no-textconv"]
_PLAN = "show what would change, and change nothing"
_YES = "do not ask before changing"
_PART = {"option": "a component, a service or a way to deploy", "plan": _PLAN, "yes": _YES}
_KEEP = "leave conflicts in the files, marked, instead of changing nothing"


@task(auto_shortflags=False, help={"json": "as JSON, for programs"})
def status(_context: Context, json: bool = False) -> None:
    """Say which version of the template this is, which is the newest, and what is in between."""
    known = origin()
    with template(known) as upstream:
        newest = upstream.newest()
        news = _news(upstream, known.version, newest)
        if json:
            told = [{"title": heading, "text": text} for heading, text in news]
            tell({"version": known.version, "newest": newest, "news": told})
            return
        say(f"This project is of version {known.version}; the newest is {newest}.")
        if upstream.includes(known.version, newest):
            return
        for heading, text in news:
            say(f"\n{heading}\n\n{text}")
        say("\nNext: `inv template.update --plan`")


@task(
    auto_shortflags=False,
    help={
        "to": "the version (default: the newest)",
        "plan": _PLAN,
        "keep-conflicts": _KEEP,
        "yes": _YES,
    },
)
def update(
    _context: Context, to: str = "", plan: bool = False, keep_conflicts: bool = False, yes: bool = False
) -> None:
    """Bring what is new in the template; stop, with nothing changed, where it and you changed the same lines."""
    trees.check()
    known = origin()
    with template(known) as upstream:
        version = to or upstream.newest()
        if not to and upstream.includes(known.version, version):
            say(f"This project is of version {known.version}; no release is newer: nothing to do.")
            return
        upstream.check(version)
        say(f"Making the project as {known.version} and as {version} would, to compare them …")
        merged = _merged(upstream, known, version, known.answers)
    _change(f"from {known.version} to {version}", merged, plan, keep_conflicts, yes)


@task(positional=["option"], auto_shortflags=False, help=_PART)
def add(_context: Context, option: str, plan: bool = False, yes: bool = False) -> None:
    """Add a part of the template that this project does not have."""
    _choose(option, True, plan, yes)


@task(positional=["option"], auto_shortflags=False, help=_PART)
def remove(_context: Context, option: str, plan: bool = False, yes: bool = False) -> None:
    """Remove a part of the template; stop, with nothing changed, where you changed what would go."""
    _choose(option, False, plan, yes)


def _choose(option: str, wanted: bool, plan: bool, yes: bool) -> None:
    """Change one answer, at the version that the project has."""
    trees.check()
    known = origin()
    with template(known) as upstream:
        answers = _answered(upstream, known, option, wanted)
        merged = _merged(upstream, known, known.version, answers)
    _change(f"{'with' if wanted else 'without'} {option}", merged, plan, False, yes)


def _answered(upstream: Template, known: Origin, option: str, wanted: bool) -> dict[str, Any]:
    """Return the answers with or without an option; stop with the options there are."""
    options = upstream.options(known.version)
    for question, choices in options.items():
        if option in choices:
            chosen = list(known.answers.get(question, ()))
            if (option in chosen) == wanted:
                stop(
                    f"this project has {'' if wanted else 'no '}{option}{' already' if wanted else ''}", "nothing to do"
                )
            after = [one for one in choices if (one in chosen or one == option) and (wanted or one != option)]
            return {**known.answers, question: after}
    there = ", ".join(choice for choices in options.values() for choice in choices)
    stop(f"the template has no {option!r}", f"choose from: {there}")


@task(auto_shortflags=False)
def undo(_context: Context) -> None:
    """Take the last change from the template back, as long as it is not committed."""
    if not _LAST.is_file():
        stop("nothing from the template was changed here", "see `git log`")
    try:
        last = json.loads(_LAST.read_text(encoding="utf-8"))
    except ValueError:
        stop(
            f"{_LAST} was not written to its end",
            "see `git diff --cached`; drop a file's change by `git restore --staged --worktree FILE`",
        )
    if trees.head() != last["before"] or trees.staged() != last["after"]:
        stop("the last change was committed, or something was changed since", "use git: `git revert`, `git restore`")
    if ask(["git", "diff", "--quiet"]).returncode != 0:
        fix = (
            "see `git diff`; drop it by `git restore FILE`, or with all that the template brought by `git reset --hard`"
        )
        stop("files were changed since", fix)
    trees.can_put(last["after"], last["before"])
    # From here it is a moment's work, which is done rather than broken off half-way.
    with signals.unheeded():
        trees.put(last["after"], last["before"], apart=True)
        _LAST.unlink()
    say("All is as it was before. Next: `inv template.status`")


@task(auto_shortflags=False, help={"patch": "show the lines, not the files' names alone"})
def diff(_context: Context, patch: bool = False) -> None:
    """Compare this project with what its version of the template makes: what you changed."""
    trees.check()
    known = origin()
    with template(known) as upstream:
        base = upstream.made(known)
    if patch:
        say(read([*_DIFF, base, "HEAD"]).rstrip("\n"))
        return
    for line in trees.changes(base, trees.head()):
        say(f"  {line}")
    say("\nNext: `inv template.diff --patch`, `inv template.propose FILE`")


@task(positional=["file"], auto_shortflags=False, help={"file": "a file that the template made"})
def propose(_context: Context, file: str) -> None:
    """Write your change of a file as a patch for the template, to .slipway/proposal.patch."""
    trees.check()
    known = origin()
    with template(known) as upstream:
        base = upstream.made(known)
        name = f"template/{file}"
        conditional = bool(upstream.file(known.version, f"{name}.jinja"))
    if not read(["git", "ls-tree", base, "--", file]).strip():
        stop(f"{file} is not of the template", "choose from: `inv template.diff`")
    what = ["--src-prefix=a/template/", "--dst-prefix=b/template/", base, "HEAD", "--", file]
    change = read([*_DIFF, *what])
    if not change:
        stop(f"{file} is as the template has it", "choose from: `inv template.diff`")
    FOLDER.mkdir(exist_ok=True)
    # By git itself: the patch of a file that ends its lines otherwise has to as well.
    read([*_DIFF, f"--output={_PROPOSAL}", *what])
    say(change.rstrip("\n"))
    if conditional:
        say(f"\nThere the file depends on answers: make the same change in {name}.jinja.")
    say(f"\nNext, in a clone of {known.source}: `git apply {_PROPOSAL}`")


def _news(upstream: Template, before: str, after: str) -> list[tuple[str, str]]:
    """Return the sections of the template's changelog after one version, up to another: heading and text."""
    since = upstream.release(before).removeprefix("v")
    sections = re.split(r"(?m)^## ", upstream.file(after, "CHANGELOG.md"))[1:]
    found = []
    for section in sections:
        heading, _, text = section.partition("\n")
        if re.match(rf"\[?{re.escape(since)}\b", heading):
            break
        if not heading.lower().startswith("unreleased"):
            found.append((heading, text.strip()))
    return found


def _merged(upstream: Template, known: Origin, version: str, answers: dict[str, Any]) -> trees.Merge:
    """Return what is committed with what a version and answers change in the project as it once came."""
    base, theirs = upstream.both(known, version, answers)
    return trees.merge(base, theirs, [trees.LOCK, *upstream.left_alone(version)])


def _change(what: str, merged: trees.Merge, plan: bool, keep_conflicts: bool, yes: bool) -> None:
    """Show a change, and make it unless something stands against it."""
    lines = trees.changes(merged.before, merged.tree)
    say(f"This project {what}:")
    for line in lines or ["nothing changes"]:
        say(f"  {line}")
    for conflict in merged.conflicts:
        say(f"  conflict in {conflict.path}: {conflict.why}")
    if merged.conflicts and not keep_conflicts:
        stop(
            f"you and the template changed the same: {len(merged.conflicts)} conflicts; nothing was changed",
            "see your change with `inv template.diff --patch`; `--keep-conflicts` lets you settle it in the files",
        )
    trees.can_put(merged.before, merged.tree)
    if plan or not lines:
        say("\nNothing was changed.")
        return
    confirm(yes)
    # Somebody may have gone on working meanwhile.
    trees.check()
    if trees.head() != merged.before:
        stop("something was committed meanwhile; nothing was changed", "run the same command again")
    # Before anything is tried: the way back would take away what is in the way.
    trees.can_put(merged.before, merged.tree)
    try:
        trees.put(merged.before, merged.tree)
        if any(line.endswith("Cargo.toml") for line in lines):
            _fit_lock()
        _remember({"before": merged.before, "after": trees.staged()})
    except BaseException:
        # Also when somebody loses patience: nothing is left half-way.
        _go_back(merged.tree)
        raise
    if merged.conflicts:
        # No task runs as long as these hold marks.
        dead = any(one.path.startswith(("invoke.yaml", "tasks/")) for one in merged.conflicts)
        back = "git reset --hard" if dead else "inv template.undo"
        say(f"\nSettle the conflicts above, then commit. Back: `{back}`")
        kept = "a file that only one side still has is there whole: delete it if you do not want it"
        stop("there are conflicts to settle", f"look for `<<<<<<<` in the files that are named above; {kept}")
    say("\nChanged, and not committed. Next: `git diff --cached`, `inv test`, then commit; back: `inv template.undo`")


def _remember(last: dict[str, str]) -> None:
    """Write down what was changed last, as a whole or not at all."""
    FOLDER.mkdir(exist_ok=True)
    part = _LAST.with_suffix(".part")
    part.write_text(json.dumps(last), encoding="utf-8")
    part.replace(_LAST)


def _go_back(tree: str) -> None:
    """Take back what was done towards a tree, whoever loses patience once more; what was wrong is told afterwards."""
    with signals.unheeded():
        try:
            trees.put_back(tree)
        except Exit as failed:
            say(f"\nNot all is as it was before: {reason(failed)}")


def _fit_lock() -> None:
    """Let the lock file fit the crates that came or went, where cargo can do so without a network."""
    by_hand = "cargo metadata --format-version 1 > /dev/null"
    if shutil.which("cargo") is None:
        say(f"\nThere is no cargo here: where there is, run `{by_hand}`, which lets {trees.LOCK} fit.")
        return
    done = ask(["cargo", "metadata", "--offline", "--format-version", "1"])
    # Somebody may keep it out of git.
    if read(["git", "ls-files", "--", trees.LOCK]) and (ROOT / trees.LOCK).exists():
        read(["git", "add", trees.LOCK])
    if done.returncode != 0:
        say(f"\nWithout a network, cargo cannot tell whether {trees.LOCK} fits: run `{by_hand}`.")
