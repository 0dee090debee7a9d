"""`project|environment|service …`, `user …`, and secrets across holders, over the API."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.interpolation import escaped, expanded
from tests.cli.client.conftest import SERVICE, Laptop, printed


def test_holders_are_created_renamed_and_deleted(laptop: Laptop) -> None:
    project = laptop("project", "create", "site", "--json").answer
    laptop("environment", "create", "live", "--project", "site")
    made = laptop("service", "create", "web", "--environment", "site/live", "--kind", "job")
    renamed = laptop("service", "rename", "site/live/web", "front", "--json").answer
    laptop("secret", "set", "KEY", "--at", "site/live/front", stdin="x")

    refused = laptop("project", "delete", "site")
    tried = laptop("project", "delete", "site", "--with-content", "--dry-run", "--json").answer
    deleted = printed(laptop("project", "delete", "site", "--with-content"))

    assert set(project) == {"id", "kind", "name"}
    assert printed(made).startswith("created job web (")
    assert (renamed["kind"], renamed["name"]) == ("job", "front")
    assert refused.code == 5
    assert refused.complaint.endswith("--dry-run shows what would be deleted.)")
    assert tried["dry_run"] is True
    assert tried["holders"][0] == project | {"secrets": 0}
    # As the command on the host prints it.
    first, *below = deleted.splitlines()
    assert first == f"deleted project site ({project['id']}), with 0 secrets"
    assert sorted(below) == [
        "  and environment live, with 0 secrets",
        "  and job front, with 1 secret",
    ]
    assert laptop("project", "delete", "site").code == 4


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("project rename shop/staging x", "Invalid value for PROJECT: shop/staging is an "),
        ("service delete shop", "Invalid value for PROJECT/ENVIRONMENT/SERVICE: shop is a proj"),
        ("environment create x --project shop/staging", "Invalid value for --project: shop/st"),
    ],
)
def test_a_holder_of_another_kind_is_refused(laptop: Laptop, command: str, complaint: str) -> None:
    ended = laptop(*command.split())

    assert ended.code == 2
    assert ended.complaint.startswith(complaint)


def test_users_are_registered_and_removed(laptop: Laptop) -> None:
    person = ("--issuer", "https://id.example.com", "--subject", "ada", "--name", "Ada")
    user = laptop("user", "add", *person, "--json").answer
    listed = laptop("user", "list", "--json").answer["users"]

    tried = laptop("user", "remove", user["id"], "--dry-run", "--json").answer
    removed = printed(laptop("user", "remove", user["id"]))

    assert user["name"] == "Ada"
    assert [(row["id"], row["subject"]) for row in listed] == [(user["id"], "ada")]
    assert tried == {"dry_run": True, "id": user["id"], "revoked": []}
    assert removed == f"removed {user['id']}\n"
    assert laptop("user", "remove", user["id"]).code == 4


def _found(laptop: Laptop, pattern: str) -> list[tuple[str, str]]:
    answer: dict[str, Any] = laptop("secret", "search", pattern, "--json").answer
    return [(secret["key"], secret["path"]) for secret in answer["secrets"]]


def test_keys_are_found_in_all_projects(laptop: Laptop) -> None:
    laptop("secret", "set", "FOUND_ONE", "--at", "analytics", stdin="x")
    laptop("secret", "set", "FOUND_TWO", "--at", SERVICE, stdin="x")

    assert _found(laptop, "FOUND_*") == [("FOUND_ONE", "analytics"), ("FOUND_TWO", SERVICE)]
    assert _found(laptop, "*ND_T??") == [("FOUND_TWO", SERVICE)]
    assert _found(laptop, "F*_T[VW]O") == [("FOUND_TWO", SERVICE)]
    assert ("FOUND_ONE", "analytics") in _found(laptop, "*")
    assert _found(laptop, "found_*") == []
    header, row = printed(laptop("secret", "search", "FOUND_TWO")).splitlines()
    assert header.split() == ["KEY", "TYPE", "HOLDER", "CHANGED", "ID"]
    assert row.split()[:3] == ["FOUND_TWO", "value", SERVICE]


def test_a_value_is_copied_as_the_service_gets_it(laptop: Laptop) -> None:
    text = r"{{SMTP_PASSWORD}} \{{SMTP_PASSWORD}}"
    laptop("secret", "set", "LETTER", "--at", SERVICE, stdin=text)
    laptop("secret", "alias", "LETTER_ALIAS", "--of", "LETTER", "--at", SERVICE)

    places = ("--service", SERVICE, "--to", "shop")
    copied, again = (
        laptop("secret", "copy", "LETTER_ALIAS", *places, "--as", "LETTER_COPY") for _ in range(2)
    )
    missing = laptop("secret", "copy", "NOTHING", *places)

    assert printed(copied).startswith("created copy LETTER_COPY on project shop (")
    assert copied.complaint.endswith("the audit log records a delivery.")
    assert (again.code, missing.code) == (5, 4)
    # The same for another service, whose own password is another.
    got = laptop("secret", "get", "LETTER_COPY", "--service", "shop/production/cart")
    assert printed(got) == "demo-bulk-smtp {{SMTP_PASSWORD}}"


def test_what_two_services_get_is_compared_without_values(laptop: Laptop) -> None:
    cart, elsewhere = "shop/production/cart", "analytics/tests/probe"
    laptop("environment", "create", "tests", "--project", "analytics")
    laptop("service", "create", "probe", "--environment", "analytics/tests", "--kind", "job")
    for at, key, value in [
        (SERVICE, "DIFF_ONLY", "x"),
        (SERVICE, "DIFF_SAME", "s3cr3t-same"),
        (cart, "DIFF_SAME", "s3cr3t-same"),
        (SERVICE, "DIFF_OTHER", "s3cr3t-one"),
        (cart, "DIFF_OTHER", "s3cr3t-two"),
        (elsewhere, "DIFF_SAME", "s3cr3t-same"),
    ]:
        laptop("secret", "set", key, "--at", at, stdin=value)

    within = laptop("diff", SERVICE, cart)
    across = laptop("diff", SERVICE, elsewhere, "--json").answer
    said = printed(laptop("diff", SERVICE, elsewhere)).splitlines()

    lines = printed(within).splitlines()
    assert f"only {SERVICE} gets DIFF_ONLY" in lines
    assert "they get different values for DIFF_OTHER" in lines
    assert lines[-1].endswith("with the same value.")
    assert not any("DIFF_SAME" in line for line in lines)
    assert "s3cr3t" not in within.out
    assert (across["different"], across["same"]) == (None, None)
    assert said[-1].endswith("; values of two projects cannot be compared.")
    assert laptop("diff", SERVICE, "shop").code == 2


def test_a_file_is_copied_with_its_path(laptop: Laptop) -> None:
    laptop("secret", "copy", "TLS_CERTIFICATE", "--service", SERVICE, "--to", "analytics")

    (copy,) = (
        secret
        for secret in laptop("secret", "list", "--at", "analytics", "--json").answer["secrets"]
        if secret["key"] == "TLS_CERTIFICATE"
    )

    assert (copy["variable_type"], copy["mount_path"]) == ("FILE", "/etc/tls/shop.pem")


@given(st.text(alphabet=r"\{}aA1", max_size=12))
def test_an_escaped_text_expands_to_itself(text: str) -> None:
    assert expanded(escaped(text), {"A": "other", "a": "other", "aA1": "other"}) == text
