"""`explain`: why a service sees what it sees, without a value."""

import json

import pytest

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine


def _lines(line: CommandLine, service: str, key: str) -> list[str]:
    return line("explain", "--service", service, key).out.splitlines()


@pytest.mark.rule("R1")
def test_own_secret_is_explained(line: CommandLine, demo: Demo) -> None:
    answer, rule = _lines(line, demo.job_id, "INVOICE_SIGNING_KEY")

    assert answer.startswith(
        "job nightly-invoices gets INVOICE_SIGNING_KEY from the value on job nightly-invoices ("
    )
    assert rule == (
        "Rule: It is the only secret in the chain with this key. It is defined on the service "
        "itself."
    )


@pytest.mark.rule("R1")
def test_what_loses_is_reported_with_the_rule(line: CommandLine, demo: Demo) -> None:
    winner, loser, rule = _lines(line, demo.job_id, "SMTP_PASSWORD")

    assert "gets SMTP_PASSWORD from the override on job nightly-invoices (" in winner
    assert loser.startswith("It hides the value on environment production (")
    assert rule.startswith("Rule: The nearest one wins: service over environment over project")


@pytest.mark.rule("R1")
def test_alias_is_reported_with_the_secret_whose_value_it_has(
    line: CommandLine, demo: Demo
) -> None:
    winner, value, rule = _lines(line, demo.job_id, "BILLING_API_KEY")

    assert "from the alias on environment production (" in winner
    assert value.startswith("The value is that of the value PAYMENT_API_KEY (")
    assert "It is an alias" in rule


@pytest.mark.rule("R3")
def test_references_of_the_value_are_reported(line: CommandLine, demo: Demo) -> None:
    values = json.dumps({"MAIL_URL": "smtp://{{SMTP_PASSWORD}}@{{NOWHERE}}"})
    line("import", "-", "--format", "json", "--holder", f"job:{demo.job_id}", stdin=values)

    explained = line("explain", "--service", demo.job_id, "MAIL_URL", "--json").answer
    _, resolved, unresolved, _ = _lines(line, demo.job_id, "MAIL_URL")

    by_key = {each["key"]: each for each in explained["references"]}
    target = by_key["SMTP_PASSWORD"]["target"]
    assert resolved == f"Its value refers to {{{{SMTP_PASSWORD}}}} ({target['id']})."
    # What is in braces may be a part of the value.
    assert by_key[None] == {"key": None, "is_resolved": False, "target": None}
    assert unresolved == (
        "Its value refers to a name in double braces, which leads to no key of the service: it "
        "stays text."
    )


def test_absence_is_reported_with_where_the_key_is_instead(line: CommandLine, demo: Demo) -> None:
    answer, rule, elsewhere = _lines(line, demo.job_id, "DATABASE_PASSWORD")

    assert answer == "job nightly-invoices does not get DATABASE_PASSWORD."
    assert rule.startswith("Rule: The key is defined on another service of the environment")
    assert elsewhere.startswith("Elsewhere: the alias on application storefront (")


def test_key_that_nothing_has_is_reported(line: CommandLine, demo: Demo) -> None:
    explained = line("explain", "--service", demo.job_id, "NOTHING")

    assert explained.code == 0
    assert explained.out.splitlines()[1] == "Rule: No secret that you can see has this key."


def test_programs_are_reported_everything_in_one_object(line: CommandLine, demo: Demo) -> None:
    answer = line("explain", "--service", demo.job_id, "SMTP_PASSWORD", "--json").answer

    assert answer["service"]["id"] == demo.job_id
    assert answer["winner"]["variable_type"] == "OVERRIDE"
    assert answer["provenance"] == "OVERRIDE"
    assert answer["value_of"] == answer["winner"]["id"]
    assert [loser["holder"]["id"] for loser in answer["losers"]] == [demo.environment_id]
    assert answer["absence"] is None
    assert answer["elsewhere"] == []


def test_programs_are_reported_of_an_absence(line: CommandLine, demo: Demo) -> None:
    answer = line("explain", "--service", demo.foreign_job_id, "SMTP_PASSWORD", "--json").answer

    assert answer["winner"] is None
    assert answer["absence"] == "IN_ANOTHER_PROJECT"
    assert len(answer["elsewhere"]) == 2


def test_explanation_holds_no_value(line: CommandLine, demo: Demo) -> None:
    for arguments in ([], ["--json"]):
        answer = line("explain", "--service", demo.job_id, "SMTP_PASSWORD", *arguments)

        assert "demo-" not in answer.out + answer.err


def test_what_is_no_key_is_refused_without_being_repeated(line: CommandLine, demo: Demo) -> None:
    refused = line("explain", "--service", demo.job_id, "marker 77c1e0")

    assert refused.code == 1
    assert "marker" not in refused.complaint
