"""Everyday tasks with a URL and a token, far from the gateway's host."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.client.conftest import SERVICE, Laptop, printed, run_as_process
from tests.servers import LiveServer


@pytest.fixture
def laptop(laptop: Laptop) -> Laptop:
    """A real process each time."""
    return laptop.but(execute=run_as_process)


_SHOWS = "import os; print(os.environ['SMTP_PASSWORD'], open(os.environ['TLS_CERTIFICATE']).read())"


def test_run_an_application_with_the_secrets_of_its_service(laptop: Laptop) -> None:
    ended = laptop("run", "--service", SERVICE, "--", sys.executable, "-c", _SHOWS)

    assert printed(ended) == "demo-bulk-smtp demo certificate\n"


@pytest.mark.rule("S74")
def test_an_application_gets_neither_the_token_nor_the_url(laptop: Laptop) -> None:
    shows = "import os; print([name for name in os.environ if 'GATEWAY' in name])"

    ended = laptop("run", "--service", SERVICE, "--", sys.executable, "-c", shows)

    assert printed(ended) == "[]\n"


def test_set_one_value(laptop: Laptop) -> None:
    made = laptop("secret", "set", "QUEUE_URL", "--at", "shop/production", stdin="amqp://one\n")
    changed = laptop("secret", "set", "QUEUE_URL", "--at", "shop/production", stdin="amqp://two\n")

    assert printed(made).startswith("created QUEUE_URL on environment production (")
    assert printed(changed).startswith("changed QUEUE_URL on environment production (")
    assert printed(laptop("secret", "get", "QUEUE_URL", "--service", SERVICE)) == "amqp://two"


def test_reveal_one_value(laptop: Laptop) -> None:
    assert printed(laptop("secret", "get", "SMTP_PASSWORD", "--service", SERVICE)) == (
        "demo-bulk-smtp"
    )


def test_browse_secrets(laptop: Laptop) -> None:
    assert "project  shop" in printed(laptop("project", "list"))
    assert "production" in printed(laptop("environment", "list", "--project", "shop"))
    assert "nightly-invoices" in printed(
        laptop("service", "list", "--environment", "shop/production")
    )
    header, *rows = printed(laptop("secret", "list", "--at", SERVICE)).splitlines()

    assert header.split() == ["KEY", "TYPE", "HOLDER", "CHANGED", "ID"]
    assert any(row.startswith("BILLING_API_KEY ") and "alias of" in row for row in rows)
    # Columns are aligned.
    assert {row[: header.index("TYPE")].count(" ") > 0 for row in rows} == {True}


def test_a_token_for_one_service_that_only_reads(laptop: Laptop, server: LiveServer) -> None:
    token = printed(
        laptop("token", "create", "--name", "pod", "--role", "runtime", "--on", SERVICE)
    ).strip()
    of_pod = laptop.but(token=token)
    job_id = server.demo["job_id"]

    assert printed(of_pod("secret", "get", "SMTP_PASSWORD", "--service", job_id))
    assert of_pod("secret", "set", "NEW", "--at", f"job:{job_id}", stdin="x").code == 3
    assert of_pod("secret", "get", "X", "--service", server.demo["other_job_id"]).code == 4


def test_import_a_dotenv_file(laptop: Laptop) -> None:
    Path(laptop.home, ".env").write_text("CACHE_URL='redis://one'\nSMTP_PASSWORD=local\n")

    imported = laptop("import", ".env", "--at", "shop/production/newsletter")

    created, overridden, summary = printed(imported).splitlines()
    assert created.split() == ["created", "CACHE_URL"]
    assert overridden.split() == ["overridden", "SMTP_PASSWORD"]
    assert summary.endswith(": 1 created, 0 updated, 1 overridden, 0 skipped, 0 failed.")


def test_why_a_job_gets_a_value(laptop: Laptop) -> None:
    answer, hidden, rule, *_ = printed(
        laptop("explain", "SMTP_PASSWORD", "--service", SERVICE)
    ).splitlines()

    assert answer.startswith(
        "job nightly-invoices gets SMTP_PASSWORD from the override on job nightly-invoices ("
    )
    assert hidden.startswith("It hides the value on environment production (")
    assert rule.startswith("Rule: The nearest one wins")


def test_what_breaks_if_a_secret_changes_or_goes(laptop: Laptop) -> None:
    reached = printed(laptop("impact", "PAYMENT_API_KEY", "--at", "shop")).splitlines()
    tried = laptop(
        *("secret", "delete", "PAYMENT_API_KEY", "--at", "shop"),
        *("--with-dependents", "--dry-run", "--json"),
    )

    assert any(line.startswith(f"the deletion reaches {SERVICE} (") for line in reached)
    assert any("the alias BILLING_API_KEY on environment production (" in line for line in reached)
    assert json.loads(printed(tried))["dry_run"]
    assert printed(laptop("secret", "get", "BILLING_API_KEY", "--service", SERVICE))
