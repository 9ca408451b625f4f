"""Measures what needs no container: making a project, its tasks' list, first test, start, memory and sizes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.builds import timed
from demo.native import free_port, get
from tools.answers import CHECKOUT


def measure(project: Path, keep: Callable[[dict[str, Any]], None]) -> None:
    """Measure each once, except what is short: that three times, of which the shortest counts."""
    with tempfile.TemporaryDirectory() as folder:
        copy = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", str(CHECKOUT)]
        keep({"what": "copier copy --defaults", "seconds": _best(lambda n: timed([*copy, f"{folder}/{n}"], CHECKOUT))})
    listing = [sys.executable, "-m", "invoke", "--list"]
    keep({"what": "inv --list", "seconds": _best(lambda _: timed(listing, project))})
    target = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    os.environ["CARGO_TARGET_DIR"] = str(target)
    keep({"what": "first cargo build", "seconds": timed(["cargo", "build", "--locked"], project)})
    keep({"what": "first cargo test after it", "seconds": timed(["cargo", "test", "--locked"], project)})
    keep(
        {"what": "first cargo build --release", "seconds": timed(["cargo", "build", "--locked", "--release"], project)}
    )
    for binary in ("backend", "frontend", "cli"):
        program = target / "release" / binary
        keep({"what": f"{binary}, release binary", "megabytes": round(program.stat().st_size / 1e6, 1)})
    keep(start(target / "release" / "backend"))
    crates = (project / "Cargo.lock").read_text().count("[[package]]")
    keep({"what": "packages in Cargo.lock", "count": crates})


def _best(once: Callable[[int], float]) -> float:
    return min(once(number) for number in range(3))


def start(program: Path) -> dict[str, Any]:
    """Return the milliseconds from start to ready, and the memory that is resident then."""
    address = f"127.0.0.1:{free_port()}"
    settings = {"HTTP_ADDRESS": address, "METRICS_ADDRESS": f"127.0.0.1:{free_port()}"}
    began = time.monotonic()
    process = subprocess.Popen(
        [program], env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                if get(f"http://{address}/readyz")[0] == 200:
                    break
            except OSError:
                if time.monotonic() > began + 30:
                    raise
            time.sleep(0.001)
        took = round((time.monotonic() - began) * 1000)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]
        return {
            "what": "backend, start to ready",
            "milliseconds": took,
            "resident_megabytes": round(resident / 1000, 1),
        }
    finally:
        process.kill()
        process.wait()
