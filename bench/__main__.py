"""Runs the benchmark: `./nox -s bench`, or a part: `-- growth|local|updates|releases|report`, `-- builds [CASE …]`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench import builds, growth, local, releases, report, updates
from bench.cases import SCENARIOS
from tools.rendering import start_project


def main(arguments: list[str]) -> None:
    """Measure the parts that are named (default: all), keeping each number as soon as it is there."""
    parts = arguments[:1] or ["builds", "growth", "local", "updates", "releases"]
    only = arguments[1] if len(arguments) > 1 else ""
    scenarios = arguments[2:] or list(SCENARIOS)
    record = report.load()
    record["machine"] = machine()

    def keep_in(part: str, key: tuple[str, ...]) -> Any:
        def keep(row: dict[str, Any]) -> None:
            same = [old for old in record[part] if all(old.get(name) == row.get(name) for name in key)]
            others = [old for old in record[part] if old not in same]
            record[part] = [*others, {**same[0], **row} if same else row]
            report.write(record)

        return keep

    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        project = Path(folder) / "acme-notes"
        start_project("default", project)
        if "builds" in parts:
            builds.measure(project, only, scenarios, keep_in("builds", ("name", "platforms")))
        if "growth" in parts:
            growth.measure(project, keep_in("growth", ("what", "count")))
        if "local" in parts:
            local.measure(project, keep_in("local", ("what",)))
        if "updates" in parts:
            updates.measure(keep_in("local", ("what",)))
    if "releases" in parts:
        releases.measure(keep_in("releases", ("release",)))
    report.write(record)
    print(report.PAGE.read_text())


def machine() -> dict[str, Any]:
    """Describe the machine that is measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    engine = ["docker", "version", "--format", "{{.Server.Version}}"]
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "cores": os.cpu_count(),
        "memory": round(memory),
        "processor": names[0] if names else platform.machine(),
        "docker": subprocess.run(engine, capture_output=True, text=True, check=False).stdout.strip(),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
