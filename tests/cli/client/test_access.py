"""`token …`, `grant …`, `user list`, `audit show` and `watch` over the API."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.client import documents, rotation
from gateway.cli.client.refusals import RefusedByGateway, Unreachable
from gateway.cli.facts import MAX_DAYS
from gateway.domain.holders import new_id
from gateway.services import tokens
from tests.cli.client.conftest import SERVICE, Laptop, printed
from tests.patience import PATIENCE
from tests.servers import LiveServer, command, measured


def _token(laptop: Laptop, name: str, *options: str) -> dict[str, str]:
    made = laptop("token", "create", "--name", name, "--json", *options)
    answer: dict[str, str] = made.answer
    return answer


def test_tokens_are_listed_and_revoked(laptop: Laptop) -> None:
    made = _token(laptop, "nightly", "--role", "runtime", "--on", SERVICE, "--days", "9")

    listed = laptop("token", "list", "--json").answer["tokens"]
    tried = printed(laptop("token", "revoke", made["id"], "--dry-run"))
    revoked = printed(laptop("token", "revoke", made["id"]))

    (row,) = (token for token in listed if token["id"] == made["id"])
    assert (row["state"], row["role"]) == ("valid", "runtime on job nightly-invoices")
    assert row["created_by"].startswith("token:")
    assert tried == f"would revoke {made['id']}  nightly\n"
    assert revoked == f"revoked {made['id']}  nightly\n"
    ended = (line for line in printed(laptop("token", "list")).splitlines() if made["id"] in line)
    assert "  ended  runtime on job nightly-invoices nightly  " in next(ended)


def test_a_token_is_rotated_and_both_work_until_one_is_revoked(laptop: Laptop) -> None:
    former = _token(laptop, "worker", "--role", "viewer", "--on", SERVICE, "--days", "9")
    laptop(
        *("grant", "add", "--to", f"token:{former['id']}", "--role", "editor"),
        *("--on", "shop/staging"),
    )

    rotated = laptop("token", "rotate", former["id"], "--json")

    twin = rotated.answer
    assert f"`token revoke {former['id']}`" in rotated.complaint
    assert "cannot see are not copied" in rotated.complaint
    old, new = (
        row
        for made in (former, twin)
        for row in laptop("token", "list", "--json").answer["tokens"]
        if row["id"] == made["id"]
    )
    assert (new["name"], new["role"]) == (old["name"], old["role"])
    assert new["role"].count(",") == 1
    assert abs(_moment(new) - _moment(old)) < timedelta(hours=1)
    for token in (former, twin):
        assert laptop.but(token=token["token"])("secret", "list", "--at", SERVICE).code == 0
    assert laptop("token", "revoke", former["id"]).code == 0
    assert laptop.but(token=twin["token"])("secret", "list", "--at", SERVICE).code == 0


def _moment(token: dict[str, str]) -> datetime:
    return datetime.fromisoformat(token["expires_at"])


def _listed(laptop: Laptop, token: dict[str, str]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = laptop("token", "list", "--json").answer["tokens"]
    return next(row for row in rows if row["id"] == token["id"])


def test_a_token_ends_by_itself_after_the_overlap(laptop: Laptop) -> None:
    former = _token(laptop, "worker", "--role", "viewer")

    rotated = laptop("token", "rotate", former["id"], "--overlap", "1h", "--json")

    end = _moment(_listed(laptop, former))
    assert timedelta(minutes=59) < end - datetime.now(UTC) <= timedelta(hours=1)
    assert _moment(_listed(laptop, rotated.answer)) - end > timedelta(days=1)
    assert "the former token ends at " in rotated.complaint


def test_a_token_whose_end_was_brought_forward_is_rotated_with_a_lifetime(laptop: Laptop) -> None:
    former = _token(laptop, "worker", "--role", "viewer", "--days", "9")
    first = laptop("token", "rotate", former["id"], "--overlap", "1h", "--json")
    before = laptop("token", "list", "--json").answer["tokens"]

    refused = laptop("token", "rotate", former["id"], "--overlap", "1h")
    unchanged = laptop("token", "list", "--json").answer["tokens"]
    second = laptop("token", "rotate", former["id"], "--overlap", "1h", "--days", "9", "--json")

    assert (refused.code, "say with --days" in refused.complaint) == (1, True)
    assert len(unchanged) == len(before)
    for rotated in (first, second):
        end = _listed(laptop, rotated.answer)["expires_at"]
        assert f", the new token ends at {end}, and" in rotated.complaint
        assert datetime.fromisoformat(end) > datetime.now(UTC) + timedelta(days=8)


def test_a_token_that_has_ended_is_not_rotated(laptop: Laptop) -> None:
    former = _token(laptop, "worker", "--role", "viewer", "--days", "9")
    laptop("token", "revoke", former["id"])
    before = laptop("token", "list", "--json").answer["tokens"]

    refused = laptop("token", "rotate", former["id"], "--overlap", "1h")

    assert (refused.code, "is revoked, or has expired" in refused.complaint) == (1, True)
    assert len(laptop("token", "list", "--json").answer["tokens"]) == len(before)


def test_an_overlap_does_not_put_an_end_off(laptop: Laptop) -> None:
    former = _token(laptop, "worker", "--role", "viewer", "--days", "1")

    rotated = laptop("token", "rotate", former["id"], "--overlap", "7d", "--json")

    assert rotated.code == 0
    assert _moment(_listed(laptop, former)) < datetime.now(UTC) + timedelta(days=2)


def test_a_token_ends_in_a_while(laptop: Laptop) -> None:
    made = _token(laptop, "leaving", "--role", "viewer")

    tried = printed(laptop("token", "end", made["id"], "--in", "30m", "--dry-run"))
    before = _moment(_listed(laptop, made))
    ended = printed(laptop("token", "end", made["id"], "--in", "30m"))
    refused = laptop("token", "end", made["id"], "--in", "1h")

    assert tried.startswith(f"{made['id']}  leaving  would end ")
    assert ended.startswith(f"{made['id']}  leaving  ends ")
    assert before > datetime.now(UTC) + timedelta(days=1)
    assert _moment(_listed(laptop, made)) < datetime.now(UTC) + timedelta(minutes=31)
    assert (refused.code, "never extended" in refused.complaint) == (1, True)


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "1w", "1.5h", "9999d", "٣h", "1 h"])
def test_what_is_no_duration_is_refused(laptop: Laptop, text: str) -> None:
    refused = laptop("token", "end", "some-id", "--in", text)

    assert refused.code == 2
    assert "a duration is a number with s, m, h or d" in " ".join(refused.err.split())


def test_a_token_without_a_role_or_that_nobody_sees_is_not_rotated(laptop: Laptop) -> None:
    bare = _token(laptop, "bare", "--role", "viewer")
    (grant,) = (
        row
        for row in laptop("grant", "list", "--json").answer["grants"]
        if row["to"] == f"token:{bare['id']}"
    )
    laptop("grant", "remove", grant["id"], "--json")

    refused = laptop("token", "rotate", bare["id"])
    missing = laptop("token", "rotate", grant["id"])

    assert (refused.code, refused.complaint) == (
        1,
        "the token bare has no role to give to another one.",
    )
    assert missing.code == 4


class _Refusing:
    """A gateway that gives a new token one role, and no other one."""

    def __init__(self, failure: BaseException) -> None:
        self._failure = failure
        self.changes: list[dict[str, object]] = []

    def nodes(self, *_: str) -> list[dict[str, object]]:
        grants = [{"role": role, "holder": None} for role in ("VIEWER", "EDITOR")]
        return [
            {"id": "old", "name": "worker", "expiresAt": None, "revokedAt": None, "grants": grants}
        ]

    def change(self, document: str, **variables: object) -> dict[str, object]:
        self.changes.append(variables)
        if document is documents.GRANT_ROLE:
            raise self._failure
        return {"apiToken": {"id": "new"}, "token": "sgw_new"}


@pytest.mark.parametrize(
    ("failure", "exit_code"),
    [
        (RefusedByGateway(HTTPStatus.OK, "No.", code="FORBIDDEN"), 3),
        (Unreachable("No."), 75),
        (KeyError("grant"), 1),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_successor_without_all_roles_is_revoked(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, failure: BaseException, exit_code: int
) -> None:
    gateway = _Refusing(failure)
    monkeypatch.setattr(rotation, "connect", lambda _: gateway)

    ended = laptop("token", "rotate", "old")

    assert (ended.code, ended.out) == (exit_code, "")
    created, _, revoked = gateway.changes
    assert (created["role"], created["days"]) == ("VIEWER", None)
    assert revoked == {"id": "new"}


def test_a_role_is_granted_and_taken_away(laptop: Laptop) -> None:
    token = _token(laptop, "deploy", "--role", "viewer")

    granted = laptop(
        *("grant", "add", "--to", f"token:{token['id']}", "--role", "editor"),
        *("--on", "shop/staging", "--json"),
    ).answer
    listed = printed(laptop("grant", "list"))
    removed = laptop("grant", "remove", granted["id"])

    assert granted["holder"]["kind"] == "environment"
    assert granted["to"] == f"token:{token['id']}"
    assert f"{granted['id']}  editor on environment staging for token deploy" in listed
    assert "viewer on the organization for token deploy" in listed
    assert printed(removed) == f"removed {granted['id']}\n"
    assert granted not in laptop("grant", "list", "--json").answer["grants"]


def test_nobody_grants_what_they_lack(laptop: Laptop) -> None:
    viewer = laptop.but(token=_token(laptop, "eyes", "--role", "viewer")["token"])

    ended = viewer("token", "create", "--name", "more", "--role", "admin")

    assert ended.code == 3
    assert ended.complaint == "The credential lacks the permission access:manage."


def test_users_are_listed(laptop: Laptop) -> None:
    assert laptop("user", "list", "--json").answer == {"users": []}
    assert printed(laptop("user", "list")).split() == ["ID", "NAME", "ISSUER", "SUBJECT"]


def test_the_audit_log_names_who_read_a_secret(laptop: Laptop) -> None:
    pod = laptop.but(token=_token(laptop, "pod", "--role", "editor")["token"])
    reader = laptop.but(token=_token(laptop, "reader", "--role", "admin")["token"])
    pod("secret", "set", "WATCHED", "--at", SERVICE, stdin="x")
    reader("secret", "get", "WATCHED", "--service", SERVICE)

    reads = laptop("audit", "show", "--secret", "WATCHED", "--at", SERVICE, "--reads", "--json")
    shown = printed(laptop("audit", "show", "--secret", "WATCHED", "--at", SERVICE))

    (read,) = reads.answer["events"]
    assert (read["actor"], read["action"]) == ("token reader", "VALUES_DELIVERED")
    assert read["holder"] == "job nightly-invoices"
    header, newest, oldest = shown.splitlines()
    assert header.split() == ["AT", "ACTION", "WHO", "FACE", "KEY", "HOLDER"]
    assert "token reader" in newest
    assert "SECRET_CREATED    token pod " in oldest


def test_one_value_that_is_read_is_recorded_alone(laptop: Laptop) -> None:
    made = _token(laptop, "one", "--role", "runtime", "--on", SERVICE)
    (job_id,) = {
        secret["holder"]["id"]
        for secret in laptop("secret", "list", "--own", "--json", "--at", SERVICE).answer["secrets"]
    }
    laptop.but(token=made["token"])("secret", "get", "SMTP_PASSWORD", "--service", job_id)

    (read, *_) = laptop("audit", "show", "--reads", "--at", SERVICE, "--json").answer["events"]

    assert read["actor"] == "token one"
    assert read["details"]["keys"] == 1


def test_the_audit_log_is_filtered(laptop: Laptop) -> None:
    newest = laptop("audit", "show", "--most", "2", "--json").answer["events"]
    none = laptop("audit", "show", "--since", "2999-01-01", "--json").answer["events"]
    by_id = laptop("audit", "show", "--secret", "00000000-0000-4000-8000-000000000000", "--json")
    at_job = laptop("audit", "show", "--at", SERVICE, "--json").answer["events"]

    assert len(newest) == 2
    assert none == by_id.answer["events"] == []
    assert {event["holder"] for event in at_job} == {"job nightly-invoices"}


def test_names_that_the_caller_does_not_see_stay_ids(laptop: Laptop, server: LiveServer) -> None:
    made = _token(laptop, "auditor", "--role", "auditor")
    auditor = laptop.but(token=made["token"])

    events = auditor("audit", "show", "--json").answer["events"]

    assert {event["actor"] for event in events if event["actor_id"] == made["id"]} == set()
    assert all(event["actor"].endswith(event["actor_id"]) for event in events)
    assert server.demo["job_id"] in {event["holder_id"] for event in events}


@pytest.mark.parametrize("as_json", [True, False])
def test_a_change_is_watched(laptop: Laptop, *, as_json: bool) -> None:
    watching = subprocess.Popen(
        command("watch", "--service", SERVICE, "--once", *(["--json"] if as_json else [])),
        env=measured(laptop.environment()),
        cwd=laptop.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while watching.poll() is None:
        # It may not listen yet; each change is one more chance.
        laptop("secret", "set", "TICK", "--at", SERVICE, stdin="x")
    out, err = watching.communicate(timeout=PATIENCE)

    assert (watching.returncode, err) == (0, "")
    line = out.splitlines()[0]
    assert json.loads(line)["keys"] == ["TICK"] if as_json else line.endswith("  TICK")


def test_watching_what_is_not_there_ends(laptop: Laptop) -> None:
    ended = laptop("watch", "--service", "00000000-0000-4000-8000-000000000000")

    assert ended.code == 4


def test_the_longest_life_of_a_token_is_the_gateways() -> None:
    assert MAX_DAYS == tokens.MAX_DAYS


def test_a_token_is_in_no_log_and_no_file_of_the_client(laptop: Laptop, server: LiveServer) -> None:
    laptop("run", "--service", SERVICE, "--", "true")

    assert laptop.token
    assert server.log
    assert laptop.token not in Path(server.log).read_text()
    assert not list(laptop.home.iterdir())


def test_a_claim_rule_is_made_for_a_part(laptop: Laptop) -> None:
    rule = ("--name", "team", "--issuer", "https://login.example", "--role", "editor")

    made = laptop(
        *("claim-rule", "add", *rule, "--claim", "groups=team", "--days", "3"),
        *("--on", "shop/staging", "--json"),
    ).answer
    listed = printed(laptop("claim-rule", "list"))
    removed = laptop("claim-rule", "remove", made["id"])

    assert (made["holder"]["kind"], made["role"]) == ("environment", "editor")
    assert f"{made['id']}  editor on environment staging for team: groups=team at" in listed
    assert printed(removed) == f"removed {made['id']}\n"
    assert made["id"] not in printed(laptop("claim-rule", "list"))


def test_requests_name_the_chosen_organization(laptop: Laptop) -> None:
    """A token of another organization is not valid there, and a name is no id."""
    own = laptop("whoami", "--json").answer

    elsewhere = laptop("whoami", ORGANIZATION_ID=new_id())
    misnamed = laptop("whoami", ORGANIZATION_ID="Demo")

    assert own["organization"] == "Demo"
    assert elsewhere.code == 3
    assert (misnamed.code, misnamed.complaint) == (
        1,
        "SECRETS_GATEWAY_ORGANIZATION_ID must be the organization's id, a UUID.",
    )
