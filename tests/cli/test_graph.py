"""`graph`: a picture of what a service sees, without a value."""

from xml.etree.ElementTree import fromstring

import pytest

from gateway.services import effective
from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

FORMATS = ("svg", "mermaid", "dot")
KEYS = {
    "BILLING_API_KEY",
    "ERROR_REPORT_DSN",
    "INVOICE_SIGNING_KEY",
    "PAYMENT_API_KEY",
    "SMTP_PASSWORD",
    "TLS_CERTIFICATE",
    "TRACING_API_KEY",
}


@pytest.mark.parametrize("chosen", FORMATS)
def test_each_format_says_what_the_service_sees(line: CommandLine, demo: Demo, chosen: str) -> None:
    drawn = line("graph", "--service", demo.job_id, "--format", chosen)

    assert (drawn.code, drawn.err) == (0, "")
    assert {key for key in KEYS if key in drawn.out} == KEYS
    assert "DATABASE_PASSWORD" not in drawn.out
    assert "demo-" not in drawn.out


def test_svg_is_what_is_drawn_if_nothing_is_said(line: CommandLine, demo: Demo) -> None:
    drawn = line("graph", "--service", demo.job_id).out

    root = fromstring(drawn)  # noqa: S314 - it is our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in drawn


def test_references_are_reported_with_their_kind(line: CommandLine, demo: Demo) -> None:
    answer = line("graph", "--service", demo.job_id, "--format", "mermaid").out

    assert answer.startswith("flowchart RL\n")
    assert answer.count('|"overrides"|') == 2
    assert answer.count('|"alias of"|') == 1


def test_rows_are_folded_unless_all_are_asked_for(line: CommandLine, demo: Demo) -> None:
    rows = "".join(f"AWS_{number}=v\n" for number in range(20))
    line("import", "--holder", f"job:{demo.job_id}", "--format", "dotenv", "-", stdin=rows)

    folded = line("graph", "--service", demo.job_id, "--format", "dot").out
    whole = line("graph", "--service", demo.job_id, "--format", "dot", "--all").out

    assert "AWS_… (20 rows)" in folded
    assert "AWS_7" not in folded
    assert "AWS_7" in whole


def test_what_is_left_out_is_reported(
    line: CommandLine, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effective, "MAX_ROWS", 2)

    drawn = line("graph", "--service", demo.job_id, "--format", "dot")

    assert drawn.code == 0
    assert drawn.complaint == "The service sees more than is drawn here."


def test_a_format_that_is_not_there_is_refused(line: CommandLine, demo: Demo) -> None:
    refused = line("graph", "--service", demo.job_id, "--format", "png")

    assert refused.code == 2
