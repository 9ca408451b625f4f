"""Makes docs/benchmarks.md and its plot out of the recorded numbers, docs/benchmarks.json."""

from __future__ import annotations

import json
from typing import Any

from bench.cases import SCENARIOS, cases
from tools.answers import CHECKOUT

RECORD = CHECKOUT / "docs/benchmarks.json"
PAGE = CHECKOUT / "docs/benchmarks.md"
PLOT = CHECKOUT / "docs/benchmarks.svg"

_OF_A_RELEASE = {
    "cold": ("image, cold", "s"),
    "cold_processor": ("image, cold, processor time", "s"),
    "edit": ("image after one edited line", "s"),
    "megabytes": ("image, compressed", "MB"),
    "copy": ("copier copy --defaults", "s"),
    "source": ("first cargo build", "s"),
    "milliseconds": ("backend, start to ready", "ms"),
}
COLOURS = {"slipway": "#2f6f4f", "cargo-chef": "#b9772c", "plain": "#8a8f98"}


def load() -> dict[str, Any]:
    """Return the record; an empty one when there is none."""
    empty: dict[str, Any] = {"machine": {}, "builds": [], "growth": [], "local": [], "releases": []}
    return empty | (json.loads(RECORD.read_text()) if RECORD.exists() else {})


def write(record: dict[str, Any]) -> None:
    """Write record, page and plot."""
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
    PAGE.write_text(page(record))
    PLOT.write_text(plot(record["builds"]))


def page(record: dict[str, Any]) -> str:
    """Return the page."""
    machine = record["machine"]
    lines = [
        "# Benchmarks",
        "",
        "Made by `./nox -s bench` from the generated default project; the numbers are in",
        "[benchmarks.json](benchmarks.json).",
        "",
        f"Last run, {machine.get('date', '')}: {machine.get('cores', '?')} cores, {machine.get('memory', '?')} GiB, "
        f"{machine.get('processor', 'unknown processor')}, Docker {machine.get('docker', '?')}.",
        "What it left out stands as a run before it measured it.",
        "",
        "Read the ratios; seconds differ from machine to machine.",
        "",
        "## Image builds",
        "",
        "The backend's image, by Slipway's Dockerfile and by the two that teams usually write (`bench/rivals/`): three",
        "stages with cargo-chef, and plain multi-stage, each compiling once per platform. The rivals cross-compile as",
        "Slipway does; with emulated compilers, as they are often written, they would take many times as long.",
        "",
        "![Seconds per build](benchmarks.svg)",
        "",
        "| Dockerfile | platforms | cold | nothing changed | one line edited | new dependency | image, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    builds = sorted(record["builds"], key=lambda row: (int(row["platforms"]), list(COLOURS).index(row["name"])))
    for row in builds:
        times = " | ".join(_time(row, scenario) for scenario in SCENARIOS)
        lines.append(f"| {row['name']} | {row['platforms']} | {times} | {row['megabytes']} |")
    lines += ["", "In brackets: the share of the same Dockerfile's cold build.", *_unmeasured(builds), ""]
    lines += _processor(builds)
    if record["growth"]:
        lines += [
            "## How an edit's build grows",
            "",
            "The backend's image after a one-line edit, all else already built.",
            "",
            "| what | how many | an edit's build | against the first |",
            "|---|---|---|---|",
        ]
        lines += [line for what in ("binaries", "platforms", "crates") for line in _growth(record["growth"], what)]
        lines.append("")
    lines += ["## Without containers", "", "| what | measured |", "|---|---|"]
    lines += [f"| {row['what']} | {_measured(row)} |" for row in record["local"]]
    lines += _releases(record["releases"])
    return "\n".join(lines) + "\n"


def _releases(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table of releases, measured in turn on one machine."""
    if not rows:
        return []
    lines = [
        "",
        "## From release to release",
        "",
        "The default project of the first release and of this one, measured in turn on one machine.",
        "",
        f"| what | {' | '.join(row['release'] for row in rows)} | ratio |",
        f"|---|{'---|' * len(rows)}---|",
    ]
    for key, (what, unit) in _OF_A_RELEASE.items():
        values = [row[key] for row in rows if key in row]
        if len(values) == len(rows):
            cells = " | ".join(f"{value} {unit}" for value in values)
            lines.append(f"| {what} | {cells} | {values[-1] / values[0]:.2f} |")
    return lines


def _unmeasured(rows: list[dict[str, Any]]) -> list[str]:
    """Say which cases the record lacks."""
    there = {(row["name"], row["platforms"]) for row in rows}
    wanted = [(case.name, len(case.platforms.split(","))) for case in cases()]
    lacking = [f"{name} for {platforms}" for name, platforms in wanted if (name, platforms) not in there]
    return [f"Not measured: {', '.join(lacking)} platform(s)."] if lacking else []


def _processor(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table of processor time, which stays the same on a machine that is busy, or has more cores."""
    columns = [f"{scenario}_processor" for scenario in SCENARIOS if scenario != "unchanged"]
    measured = [row for row in rows if any(column in row for column in columns)]
    if not measured:
        return []
    lines = [
        "Processor seconds of the same builds, which depend neither on the number of cores nor on what else runs:",
        "",
        "| Dockerfile | platforms | cold | one line edited | new dependency |",
        "|---|---|---|---|---|",
    ]
    for row in measured:
        cells = " | ".join(f"{row[column]:.0f}" if column in row else "not measured" for column in columns)
        lines.append(f"| {row['name']} | {row['platforms']} | {cells} |")
    return [*lines, ""]


def _time(row: dict[str, Any], scenario: str) -> str:
    if scenario not in row:
        return "not measured"
    share = "" if scenario == "cold" or "cold" not in row else f" ({row[scenario] / row['cold']:.1%})"
    return f"{row[scenario]:.1f} s{share}"


def _growth(rows: list[dict[str, Any]], what: str) -> list[str]:
    steps = sorted((row for row in rows if row["what"] == what), key=lambda row: int(row["count"]))
    return [
        f"| {what} | {step['count']} | {step['seconds']} s | {step['seconds'] / steps[0]['seconds']:.1f} |"
        for step in steps
    ]


def _measured(row: dict[str, Any]) -> str:
    units = {"seconds": "s", "milliseconds": "ms", "megabytes": "MB", "resident_megabytes": "MB resident", "count": ""}
    return ", ".join(f"{row[key]} {unit}".strip() for key, unit in units.items() if key in row)


def plot(rows: list[dict[str, Any]]) -> str:
    """Return the builds as horizontal bars: a group for each scenario and number of platforms."""
    bars, top, longest = [], 40, max([row.get(scenario, 0) for row in rows for scenario in SCENARIOS], default=1.0)
    for platforms in sorted({row["platforms"] for row in rows}):
        for scenario in SCENARIOS:
            here = [row for row in rows if row["platforms"] == platforms and scenario in row]
            if not here:
                continue
            bars.append(f'<text x="20" y="{top + 12}" font-weight="bold">{scenario}, {platforms} platform(s)</text>')
            top += 20
            for row in here:
                width = max(1, round(560 * row[scenario] / longest))
                bars.append(f'<text x="20" y="{top + 11}">{row["name"]}</text>')
                bars.append(f'<rect x="110" y="{top}" width="{width}" height="14" fill="{COLOURS[row["name"]]}"/>')
                bars.append(f'<text x="{116 + width}" y="{top + 11}">{row[scenario]:.0f} s</text>')
                top += 18
            top += 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{top}" font-family="sans-serif" font-size="12">'
    )
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    title = f'{ground}<text x="20" y="22" font-size="15">Seconds to build the backend</text>'
    return "\n".join([head, title, *bars, "</svg>"]) + "\n"
