"""Runs trivy, as trivy.yaml says, and reads what it found."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from .console import say, stop
from .images import FOLDER
from .run import ROOT, ask, read

_REPORTS = FOLDER / "scan"
_IGNORED = ROOT / ".trivyignore.yaml"
_WORST_FIRST = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")


@dataclass(frozen=True)
class Found:
    """One finding: how severe it is, the rule or advisory, what it is about, and what to do."""

    severity: str
    rule: str
    about: str
    advice: str


def scan(name: str, arguments: list[str]) -> list[Found]:
    """Run trivy, keep its report as JSON and SARIF under .slipway/scan, and return what it found."""
    _REPORTS.mkdir(parents=True, exist_ok=True)
    report = _REPORTS / f"{name}.json"
    command, *others = arguments
    flags = ["--quiet", "--exit-code", "0", "--format", "json", "--output", str(report)]
    done = ask(["trivy", command, *flags, *others])
    if done.returncode != 0:
        stop(
            f"trivy cannot scan {name}: {_last(done.stderr)}",
            "if it is the database that does not come: reach its registry, or name a mirror in trivy.yaml",
        )
    read(
        ["trivy", "convert", "--quiet", "--format", "sarif", "--output", str(report.with_suffix(".sarif")), str(report)]
    )
    document = json.loads(report.read_text(encoding="utf-8"))
    return [found for result in document.get("Results") or () for found in _found(result)]


def _last(said: str) -> str:
    """Return the last message in what trivy said, with what it consists of."""
    lines = said.strip().splitlines()
    begin = max((number for number, line in enumerate(lines) if "FATAL" in line), default=0)
    return " ".join(" ".join(lines[begin:]).split()) or "it says nothing"


def _found(result: dict[str, Any]) -> list[Found]:
    """Return the findings about one target of a report: https://trivy.dev/docs/latest/configuration/reporting/#json."""
    target = result["Target"]
    found = []
    for one in result.get("Vulnerabilities") or ():
        about = f"{one['PkgName']} {one['InstalledVersion']} in {target}"
        fixed = one.get("FixedVersion")
        advice = f"update it to {fixed}" if fixed else "no version without it is out yet"
        found.append(Found(one["Severity"], one["VulnerabilityID"], about, f"{one.get('Title', '')}: {advice}"))
    for one in result.get("Misconfigurations") or ():
        line = one.get("CauseMetadata", {}).get("StartLine")
        about = f"{target}:{line}" if line else target
        found.append(Found(one["Severity"], one["ID"], about, f"{one['Message']}: {one['Resolution']}"))
    for one in result.get("Secrets") or ():
        # What it is, never what it says.
        advice = f"{one['Title']}: revoke it, and take it out of the history"
        found.append(Found(one["Severity"], one["RuleID"], f"{target}:{one['StartLine']}", advice))
    return found


def check_ignored() -> None:
    """Stop unless each vulnerability that is ignored has a reason, and a date at which it is one again."""
    if not _IGNORED.is_file():
        return
    for entry in (yaml.safe_load(_IGNORED.read_text(encoding="utf-8")) or {}).get("vulnerabilities") or ():
        if not entry.get("statement"):
            stop(f".trivyignore.yaml ignores {entry['id']} without a reason", "say why, as its `statement:`")
        if not isinstance(entry.get("expired_at"), date):
            stop(
                f".trivyignore.yaml ignores {entry['id']} for ever",
                "say until when, as its `expired_at:`, such as 2030-01-31",
            )


def show(subject: str, findings: list[Found]) -> int:
    """Print what was found in something, the worst first, and return how much."""
    say(f"{subject}: {'nothing' if not findings else ''}".rstrip())
    for one in sorted(findings, key=lambda found: (_WORST_FIRST.index(found.severity), found.rule)):
        say(f"  {one.severity:8}  {one.rule}  {one.about}\n            {one.advice}")
    return len(findings)


def judge(count: int) -> None:
    """Stop when anything was found."""
    if count:
        stop(
            f"{count} {'finding' if count == 1 else 'findings'}; reports, also as SARIF, are in .slipway/scan",
            "mend them; name what cannot be mended yet in .trivyignore.yaml, with a reason and a date",
        )
