"""Who may do what, from the command line."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.domain.holders import new_id
from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

IN_DEMO = ("--organization", "Demo")


def _token(line: CommandLine, *more: str) -> str:
    made = line("token", "create", *IN_DEMO, "--name", "t", "--role", "runtime", *more, "--json")
    return str(made.answer["id"])


def test_token_is_created_for_one_place(line: CommandLine, demo: Demo) -> None:
    token_id = _token(line, "--on", f"job:{demo.job_id}")

    (listed,) = (
        token
        for token in line("token", "list", *IN_DEMO, "--json").answer["tokens"]
        if token["id"] == token_id
    )

    assert listed["role"] == "runtime on job nightly-invoices"


def test_tokens_show_when_they_expire_and_were_used_last(line: CommandLine, data_dir: Path) -> None:
    token_id, other = _token(line, "--days", "30"), _token(line)
    used = "UPDATE api_token SET last_used_at = '2026-01-02 03:04:05.000000' WHERE id = ?"
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute(used, (token_id,))

    listed = line("token", "list", *IN_DEMO).out.splitlines()
    (facts,) = (
        token
        for token in line("token", "list", *IN_DEMO, "--json").answer["tokens"]
        if token["id"] == token_id
    )

    (shown,) = (item for item in listed if item.startswith(token_id))
    expiry = facts["expires_at"][:16].replace("T", " ")
    assert f"  expires {expiry}, last used 2026-01-02 03:04, created by" in shown
    assert facts["last_used_at"].startswith("2026-01-02T03:04:05")
    assert any(
        item.startswith(other) and "  does not expire, never used, " in item for item in listed
    )


def test_token_is_created_for_the_organization(line: CommandLine) -> None:
    """The control of the test above."""
    _token(line)

    assert "  runtime  t" in line("token", "list", *IN_DEMO).out


def test_grant_is_added_listed_and_removed(line: CommandLine, demo: Demo) -> None:
    to, on = f"token:{_token(line)}", f"environment:{demo.environment_id}"
    sent = ("--to", to, "--role", "viewer", "--on", on, *IN_DEMO)

    made = line("grant", "add", *sent, "--json").answer
    again = line("grant", "add", *sent)
    listed = line("grant", "list", *IN_DEMO)
    gone = line("grant", "remove", made["id"], *IN_DEMO)
    left = line("grant", "list", *IN_DEMO, "--json").answer["grants"]

    assert (made["role"], made["on"], made["to"]) == ("viewer", on, to)
    assert again.complaint == "The grantee already has this role there."
    assert f"{made['id']}  viewer on environment production for token t\n" in listed.out
    assert "admin on the organization for token demo" in listed.out
    assert gone.out == f"removed {made['id']}\n"
    assert made["id"] not in {grant["id"] for grant in left}


def test_user_is_added_granted_and_removed(line: CommandLine) -> None:
    person = ("--issuer", "https://login.example", "--subject", "1", "--name", "Ada")
    user = line("user", "add", *person, *IN_DEMO, "--json").answer

    granted = line("grant", "add", "--to", f"user:{user['id']}", "--role", "auditor", *IN_DEMO)
    gone = line("user", "remove", user["id"], *IN_DEMO)

    assert granted.out.endswith("auditor on the organization for user Ada\n")
    assert gone.out == f"removed {user['id']}\n"
    assert "Ada" not in line("grant", "list", *IN_DEMO).out
    assert line("user", "add", *person, *IN_DEMO).out.endswith("  Ada\n")


@pytest.mark.parametrize("to", ["job:1", "token", "token:", ""])
def test_grantee_is_a_token_or_a_user(line: CommandLine, to: str) -> None:
    refused = line("grant", "add", "--to", to, "--role", "viewer", *IN_DEMO)

    assert refused.code == 2
    assert "a grantee is KIND:ID, the kind one of token, user." in refused.complaint


@pytest.mark.parametrize(
    "command", [("grant", "remove"), ("user", "remove"), ("claim-rule", "remove")]
)
def test_what_is_not_there_cannot_be_removed(line: CommandLine, command: tuple[str, str]) -> None:
    unknown = new_id()

    refused = line(*command, unknown, *IN_DEMO)

    assert refused.code == 1
    assert refused.complaint == f"No {command[0].replace('-', ' ')} has the id {unknown}."


def test_claim_rule_is_added_listed_and_removed(line: CommandLine, demo: Demo) -> None:
    given = ("--name", "team", "--issuer", "https://login.example", "--role", "viewer")
    sent = (*given, "--claim", "groups=a=b", "--claim", "acr=2", "--days", "2", *IN_DEMO)
    on = f"environment:{demo.environment_id}"

    made = line("claim-rule", "add", *sent, "--on", on, "--json").answer
    wide = line("claim-rule", "add", *given, "--claim", "groups=a", *IN_DEMO)
    listed = line("claim-rule", "list", *IN_DEMO)
    gone = line("claim-rule", "remove", made["id"], *IN_DEMO)
    left = line("claim-rule", "list", *IN_DEMO, "--json").answer["claim_rules"]

    assert made["conditions"] == [
        {"claim": "acr", "pattern": "2"},
        {"claim": "groups", "pattern": "a=b"},
    ]
    assert (made["role"], made["on"], bool(made["expires_at"])) == ("viewer", on, True)
    assert wide.out.endswith(
        "viewer on the organization for team: groups=a at https://login.example\n"
    )
    assert (
        f"{made['id']}  viewer on environment production for team: acr=2, groups=a=b" in listed.out
    )
    assert gone.out == f"removed {made['id']}\n"
    assert [rule["name"] for rule in left] == ["team"]


@pytest.mark.parametrize("claim", ["groups", "=a", ""])
def test_condition_of_a_claim_rule_is_a_claim_and_a_pattern(line: CommandLine, claim: str) -> None:
    person = ("--name", "team", "--issuer", "https://login.example", "--role", "viewer")

    refused = line("claim-rule", "add", *person, "--claim", claim, *IN_DEMO)

    assert refused.code == 2
    assert "a condition is CLAIM=PATTERN." in refused.complaint
