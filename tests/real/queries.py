"""Every query that a project's dashboards and rules ask, and what a running Prometheus answers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import requests
import yaml

# What Grafana puts in: the shortest span in which a rate is known, and everything chosen.
MACROS = {"$__rate_interval": "1m", "$job": "(backend|frontend|board)"}
THRESHOLD = re.compile(r"\s*[<>]\s*[\d.]+\s*$")


def asked(root: Path) -> dict[str, str]:
    """Return every query by its place. An alert's is without its threshold, with which it is empty when all is well."""
    found = dict(_of_dashboards(root)) | dict(_of_rules(root))
    for place, query in found.items():
        for macro, value in MACROS.items():
            found[place] = found[place].replace(macro, value)
        assert "$" not in found[place].replace("${1}xx", ""), query
    return found


def _of_dashboards(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.glob("deploy/compose/grafana/dashboards/*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}, {target['legendFormat']}", target["expr"]
        for variable in board["templating"]["list"]:
            values = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"])
            assert values, variable["definition"]
            yield f"{path.name}: ${variable['name']}", f"group by ({values[2]}) ({values[1]})"


def _of_rules(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.glob("deploy/compose/prometheus/rules/*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    assert THRESHOLD.search(rule["expr"]), rule["alert"]
                    yield f"{path.name}: {rule['alert']}", THRESHOLD.sub("", rule["expr"])
                else:
                    yield f"{path.name}: {rule['record']}", rule["expr"]


def without_data(prometheus: str, queries: dict[str, str]) -> list[str]:
    """Name the places whose query has no answer, or none that is a number."""
    return [place for place, query in queries.items() if not _answers(prometheus, query)]


def _answers(prometheus: str, query: str) -> bool:
    answer = requests.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=10)
    assert answer.status_code == 200, f"{query}: {answer.text}"
    return any(not math.isnan(float(sample["value"][1])) for sample in answer.json()["data"]["result"])
