"""Promise: what watches a project is complete: every alert is tried, every panel says what it shows."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Project
from tests.sets import every_set
from tests.test_compose_overlays import resolve
from tools.answers import CHECKOUT, Answers

PROMETHEUS = CHECKOUT / "template/deploy/compose/prometheus"
ALERTMANAGER = CHECKOUT / "template/deploy/compose/alertmanager"
GRAFANA = CHECKOUT / "template/deploy/compose/grafana"
# What tells the lines of a panel apart.
GROUPED = re.compile(r"(?:topk\(\d+, )?(?:histogram_quantile\([\d.]+, )?(?:sum|max|min) by \(([^)]+)\)")

Panel = dict[str, Any]


def alerts(file: Path) -> list[dict[str, Any]]:
    """Read the alerts of a file of rules."""
    document = yaml.safe_load(file.read_text())
    return [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]


def tried(file: Path) -> dict[str, set[bool]]:
    """Say of each alert in a file of tests whether it was seen firing, and seen quiet."""
    found: dict[str, set[bool]] = {}
    for test in yaml.safe_load(file.read_text())["tests"]:
        for alert in test.get("alert_rule_test") or ():
            found.setdefault(alert["alertname"], set()).add(bool(alert["exp_alerts"]))
    return found


@pytest.mark.parametrize("rules", sorted((PROMETHEUS / "rules").iterdir()), ids=lambda path: path.stem)
def test_every_alert_is_tried(rules: Path) -> None:
    seen = tried(PROMETHEUS / "tests" / rules.name)
    assert {alert["alert"]: seen.get(alert["alert"]) for alert in alerts(rules)} == {
        alert["alert"]: {True, False} for alert in alerts(rules)
    }


@pytest.mark.parametrize("rules", sorted((PROMETHEUS / "rules").iterdir()), ids=lambda path: path.stem)
def test_every_alert_says_what_is_wrong(rules: Path) -> None:
    for alert in alerts(rules):
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["alert"]
        assert set(alert["annotations"]) == {"summary", "description"}, alert["alert"]


def asked(program: str, dockerfile: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of an image's over a folder, which is /try there; whose folder it is makes no difference."""
    image = re.findall(r"^ARG \w+=(.+)$", (dockerfile / "Dockerfile").read_text(), re.MULTILINE)[0]
    mounted = ["docker", "run", "--rm", "--user", "0", "--volume", f"{folder}:/try:ro", "--entrypoint", program, image]
    return subprocess.run([*mounted, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.docker
def test_promtool_is_content(everything: Path) -> None:
    folder = everything / "deploy/compose/prometheus"
    tests = [f"/try/tests/{path.name}" for path in sorted((folder / "tests").iterdir())]
    config = ["check", "config", "--lint=all", "--lint-fatal", "/try/prometheus.yml"]
    for command in (config, ["test", "rules", *tests]):
        done = asked("promtool", PROMETHEUS, folder, *command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.docker
def test_promtool_finds_an_alert_that_does_not_fire(everything: Path, tmp_path: Path) -> None:
    folder = everything / "deploy/compose/prometheus"
    for name in ("rules", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "backend.yml").write_text((folder / name / "backend.yml").read_text().replace("< 1", "< 0"))
    done = asked("promtool", PROMETHEUS, tmp_path, "test", "rules", "/try/tests/backend.yml")
    assert done.returncode != 0
    assert "alertname: BackendDown" in done.stdout + done.stderr


@pytest.mark.compose
def test_an_alert_says_whose_it_is_and_links_to_a_page(everything: Path) -> None:
    stack = resolve(everything, ["monitoring"])
    services = stack["services"]
    labels = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]["external_labels"]
    assert labels == {"stack": "${STACK}"}
    assert services["prometheus"]["environment"]["STACK"] == stack["name"]
    for name in ("prometheus", "alertmanager"):
        port = services[name]["ports"][0]["published"]
        assert f"--web.external-url=http://localhost:{port}" in services[name]["command"]


def receivers() -> str:
    """Return Alertmanager's configuration with the receivers that it has as examples."""
    return re.sub(r"^    # ", "    ", (ALERTMANAGER / "alertmanager.yml").read_text(), flags=re.MULTILINE)


def test_an_example_tells_people_what_to_look_at() -> None:
    team = yaml.safe_load(receivers())["receivers"][0]
    # An e-mail says it by itself.
    assert set(team) == {"name", "slack_configs", "email_configs"}
    assert ".Annotations.summary" in team["slack_configs"][0]["text"]
    assert ".Annotations.description" in team["slack_configs"][0]["text"]


@pytest.mark.docker
def test_amtool_is_content_with_the_examples(tmp_path: Path) -> None:
    (tmp_path / "alertmanager.yml").write_text(receivers())
    done = asked("amtool", ALERTMANAGER, tmp_path, "check-config", "/try/alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def panel_faults(panel: Panel) -> Iterator[str]:
    """Yield what a person who looks at a panel would miss."""
    title = panel.get("title") or "a panel"
    defaults = panel["fieldConfig"]["defaults"]
    if not panel.get("title"):
        yield "a panel has no title"
    if not re.fullmatch(r"[A-Z].*\.", panel.get("description", ""), re.DOTALL):
        yield f"{title}: no description"
    if not defaults.get("unit"):
        yield f"{title}: no unit"
    if defaults.get("unit") == "percentunit" and defaults.get("min") != 0:
        yield f"{title}: a share does not begin at 0"
    if not panel.get("targets"):
        yield f"{title}: no query"
    for target in panel.get("targets", ()):
        if not target.get("legendFormat"):
            yield f"{title}: a line has no name"
        grouped = GROUPED.match(target["expr"])
        labels = {label.strip() for label in grouped[1].split(",")} - {"le"} if grouped else set()
        if missing := labels - set(re.findall(r"{{(\w+)}}", target["legendFormat"])):
            yield f"{title}: lines differ by {missing}, and their names do not"
        if target["datasource"]["uid"] != "prometheus":
            yield f"{title}: asks {target['datasource']}"
    if panel["type"] == "stat" and len(defaults["thresholds"]["steps"]) < 1:
        yield f"{title}: no thresholds"
    if "alert fires" in panel["description"] and len(defaults["thresholds"]["steps"]) < 2:
        yield f"{title}: speaks of an alert, and does not show where"


def overlaps(panels: list[Panel]) -> list[tuple[str, str]]:
    """Name the panels that lie on each other, or stick out."""

    def cells(panel: Panel) -> set[tuple[int, int]]:
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        return {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}

    found = [(panel["title"], "the edge") for panel in panels if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24]
    for number, one in enumerate(panels):
        found += [(one["title"], other["title"]) for other in panels[number + 1 :] if cells(one) & cells(other)]
    return found


def dashboards(root: Path) -> dict[str, dict[str, Any]]:
    """Read every dashboard of a folder."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(root.glob("dashboards/*.json"))}


@pytest.mark.parametrize("name", dashboards(GRAFANA))
def test_every_panel_says_what_it_shows(name: str) -> None:
    board = dashboards(GRAFANA)[name]
    assert board["uid"] == name
    assert board["title"]
    assert board["description"]
    assert [fault for panel in board["panels"] for fault in panel_faults(panel)] == []
    assert overlaps(board["panels"]) == []
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("description",), "", "no description"),
        (("fieldConfig", "defaults", "unit"), "", "no unit"),
        (("targets", 0, "legendFormat"), "", "a line has no name"),
        (("targets", 0, "legendFormat"), "{{route}}", "lines differ by"),
        (
            ("fieldConfig", "defaults", "thresholds", "steps"),
            [{"color": "green", "value": None}],
            "does not show where",
        ),
    ],
)
def test_a_panel_that_says_nothing_is_found(path: tuple[str | int, ...], value: object, fault: str) -> None:
    panels = dashboards(GRAFANA)["backend"]["panels"]
    panel: Any = next(panel for panel in panels if panel["title"] == "Share of errors")
    panel["targets"][0]["expr"] = "topk(3, sum by (job) (up))"
    *parents, last = path
    inner: Any = panel
    for step in parents:
        inner = inner[step]
    inner[last] = value
    assert [found for found in panel_faults(panel) if fault in found] != []


def ours(text: str) -> set[str]:
    """The metrics of this project's own programs in some queries, as the programs name them."""
    found = re.findall(r"(?<![:\w])(?:jobs?|http)(?:_\w+)?(?=[{[)\s]|$)", text)
    return {re.sub("_(bucket|sum|count)$", "", name) for name in found}


def test_metrics_of_ours_are_in_the_code() -> None:
    code = "".join(path.read_text() for path in CHECKOUT.glob("template/crates/*/src/**/*.rs"))
    queries = [
        target["expr"]
        for board in dashboards(GRAFANA).values()
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    rules = [yaml.safe_load(path.read_text())["groups"] for path in (PROMETHEUS / "rules").iterdir()]
    queries += [rule["expr"] for groups in rules for group in groups for rule in group["rules"]]
    named = ours("\n".join(re.sub("by \\([^)]*\\)|on \\([^)]*\\)", "", query) for query in queries))
    assert named == {
        "http_requests_total",
        "http_request_duration_seconds",
        "jobs",
        "jobs_total",
        "job_duration_seconds",
        "jobs_oldest_due_seconds",
    }
    assert [name for name in named if f'"{name}"' not in code] == []


@every_set
def test_each_part_is_watched(project: Project, answers: Answers) -> None:
    root = project(**answers)
    folder = root / "deploy/compose/prometheus"
    if not (root / "docker-compose.monitoring.yml").exists():
        assert not folder.exists()
        return
    services = yaml.safe_load((root / "docker-compose.monitoring.yml").read_text())["services"]
    base = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
    jobs = {
        job["job_name"]
        for path in (folder / "scrape").iterdir()
        for job in yaml.safe_load(path.read_text())["scrape_configs"]
    }
    exporters = {name.removesuffix("-exporter") for name in services if name.endswith("-exporter")}
    assert jobs >= exporters
    assert jobs - {"prometheus", "alertmanager"} <= set(base)
    assert {"backend", "frontend", "worker", "worker-bulk", "scheduler", "board"} & set(base) <= jobs
    # A Dockerfile for each image that is made here, and none for others.
    built = {service["build"]["context"] for service in services.values()}
    assert built <= {f"deploy/compose/{path.name}" for path in (root / "deploy/compose").iterdir()}
