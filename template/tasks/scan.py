"""Scans what was built, and what it was made of, for what is known to be dangerous."""

from datetime import datetime, timezone

from invoke import Context, task

from ._lib import images, scanner
from ._lib.console import say, stop
from ._lib.layout import slug
from ._lib.run import need

GROUP = "scan"

# What trivy is asked about the sources.
_SOURCES = {
    "dependencies": ["filesystem", "--scanners", "vuln", "."],
    "config": ["config", "."],
    "secrets": ["filesystem", "--scanners", "secret", "."],
}
_KINDS = ("images", *_SOURCES)


@task(
    default=True,
    auto_shortflags=False,
    help={"only": f"what to scan, separated by commas: {', '.join(_KINDS)} (default: all)"},
)
def scan(_context: Context, only: str = "") -> None:
    """Scan images, dependencies, configuration and sources; fail at what trivy.yaml says is too much."""
    chosen = [one.strip() for one in only.split(",") if one.strip()] or list(_KINDS)
    for kind in chosen:
        if kind not in _KINDS:
            stop(f"there is nothing called {kind!r} to scan", f"choose from: {', '.join(_KINDS)}")
    need("trivy")
    scanner.check_ignored()
    count = _built() if "images" in chosen else 0
    for kind, arguments in _SOURCES.items():
        if kind in chosen:
            count += scanner.show(kind, scanner.scan(kind, arguments))
    scanner.judge(count)
    say("\nNothing was found. Next: `inv push`")


def _built() -> int:
    """Scan the images that were built last, record those in which nothing was found, and return what was."""
    built = images.recorded()
    if not built:
        stop("nothing has been built yet", "build first: `inv build`, or scan the sources alone with --only")
    count = 0
    for name, image in built.items():
        findings = 0
        for platform, arguments in _ways(image).items():
            findings += scanner.show(f"{name} {platform}", scanner.scan(f"{name}-{slug(platform)}", arguments))
        image.scanned = "" if findings else datetime.now(timezone.utc).isoformat(timespec="seconds")
        count += findings
    images.record(built)
    return count


def _ways(image: images.Image) -> dict[str, list[str]]:
    """Return what to ask trivy about each platform of an image, which the engine has or, if several, the registry."""
    local = f"{image.repository}:{image.tag}"
    if len(image.platforms) == 1 and images.in_engine(local):
        return {platform: ["image", "--image-src", "docker", local] for platform in image.platforms}
    if not images.is_in_registry(image.reference):
        stop(
            f"{image.reference} is for several platforms, and not in the registry",
            "push it first: `inv push`, or build for one platform: `inv build`",
        )
    remote = ["image", "--image-src", "remote", "--platform"]
    return {platform: [*remote, platform, image.reference] for platform in image.platforms}
