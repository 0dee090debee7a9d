"""The page about monitoring: its tables and rules are about metrics that there are."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from gateway.ops.metrics import Metrics

TEXT: Final = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
BLOCKS: Final[list[Any]] = [
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
]
OURS: Final = re.compile(r"secrets_gateway_\w+")


@pytest.fixture(scope="module")
def types() -> dict[str, str]:
    """The type of each metric by its name, as it is exposed."""
    registry = CollectorRegistry()
    Metrics(registry)
    found = re.findall(r"^# TYPE (\S+) (\w+)$", generate_latest(registry).decode(), re.MULTILINE)
    return dict(found)


def test_the_table_has_every_metric_with_its_labels(types: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(secrets_gateway_\w+)` \|", TEXT, re.MULTILINE)

    assert sorted(rows) == sorted(types)


def test_queries_are_about_metrics_that_there_are(types: dict[str, str]) -> None:
    exposed = types.keys() | {
        f"{name}{suffix}"
        for name, kind in types.items()
        if kind == "histogram"
        for suffix in ("_bucket", "_count", "_sum")
    }

    assert set(OURS.findall(TEXT)) <= exposed


def test_every_alert_has_a_query_and_a_summary() -> None:
    (rules,) = [block for block in BLOCKS if "groups" in block]

    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 5
    for rule in alerts:
        assert OURS.search(rule["expr"]), rule
        assert rule["expr"].count("(") == rule["expr"].count(")"), rule
        assert rule["annotations"]["summary"].endswith("."), rule


def test_the_scrape_configuration_names_a_target() -> None:
    (scrape,) = [block for block in BLOCKS if "scrape_configs" in block]

    (job,) = scrape["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:9464"]}]
