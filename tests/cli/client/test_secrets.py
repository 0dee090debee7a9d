"""`secret …`, `export` and `import` over the API."""

import json
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.cli.import_reports import MAX_ENTRIES
from gateway.services.imports import MAX_ROWS
from tests.cli.client.conftest import SERVICE, Laptop, printed
from tests.patience import PATIENCE
from tests.servers import LiveServer

_CREATE_SERVICE: Final = """
mutation ($environmentId: ID!, $type: LinkedServiceTypeEnum!, $name: String!) {
  createService(environmentId: $environmentId, type: $type, name: $name) { errors { message } }
}
"""
_NIL: Final = "00000000-0000-4000-8000-000000000000"
_FORMS: Final = "PROJECT, PROJECT/ENVIRONMENT, PROJECT/ENVIRONMENT/SERVICE, KIND:ID or an id."
# What names no holder, with the exit code and the complaint.
NOT_THERE: Final = {
    "nothing": (4, "this token sees no project that is called nothing."),
    "shop/nothing": (4, "this token sees no environment that is called nothing."),
    "shop/production/nothing": (4, "this token sees no service that is called nothing."),
    "shop//x": (2, f"Invalid value: shop//x names no holder: write {_FORMS}"),
    "a/b/c/d": (2, f"Invalid value: a/b/c/d names no holder: write {_FORMS}"),
    f"job:{_NIL}": (4, "this token sees nothing with that id."),
    _NIL: (4, f"this token sees no project, environment or service with the id {_NIL}."),
}
_PIN: Final = "or pin one in .secrets-gateway.toml."
NO_FIT_PLACE: Final = {
    "secret list": (
        "Invalid value for --at: say where, or pin a service in .secrets-gateway.toml."
    ),
    "secret get KEY": f"Invalid value for --service: name a service, {_PIN}",
    "secret get KEY --service shop": (
        "Invalid value for --service: shop is a project: name a service."
    ),
    "environment list --project shop/staging": (
        "Invalid value for --project: shop/staging is an environment: name a project."
    ),
    "service list --environment shop": (
        "Invalid value for --environment: shop is a project: name an environment."
    ),
    "import - --at shop": (
        "give the --format: one of dotenv, json, yaml; the name does not say it."
    ),
    "export --service shop/production/cart --format json --name x": (
        "Invalid value for --name: only a k8s manifest has a name."
    ),
}
AT: tuple[str, str] = ("--at", "shop/production/storefront")


def test_an_inherited_key_is_not_set_but_overridden(laptop: Laptop) -> None:
    taken = laptop("secret", "set", "SMTP_PASSWORD", *AT, stdin="own")
    made = laptop("secret", "override", "SMTP_PASSWORD", *AT, stdin="own")

    assert taken.code == 5
    assert taken.complaint.endswith("`secret override` gives an inherited key another value.")
    assert printed(made).startswith("created override SMTP_PASSWORD on application storefront (")
    assert printed(laptop("secret", "get", "SMTP_PASSWORD", "--service", AT[1])) == "own"


def test_a_secret_gets_another_key(laptop: Laptop) -> None:
    made = laptop("secret", "alias", "TRACES", "--of", "TRACING_API_KEY", *AT)

    assert printed(made).startswith("created alias TRACES on application storefront (")
    assert printed(laptop("secret", "get", "TRACES", "--service", AT[1])) == "demo-tracing"


def test_a_secret_is_renamed_with_what_refers_to_it(laptop: Laptop) -> None:
    laptop("secret", "set", "QUEUE_HOST", *AT, stdin="queue")
    laptop("secret", "set", "QUEUE", *AT, stdin="amqp://{{QUEUE_HOST}}/x")

    warned = laptop("secret", "rename", "QUEUE_HOST", "BROKER", *AT, "--dry-run")
    renamed = laptop("secret", "rename", "QUEUE_HOST", "BROKER", *AT, "--update-references")

    assert warned.code == 0
    assert "QUEUE" in warned.complaint
    assert warned.out.splitlines()[-1] == "Dry run: nothing was changed."
    assert printed(renamed).startswith("renamed BROKER on application storefront (")
    assert printed(laptop("secret", "get", "QUEUE", "--service", AT[1])) == "amqp://queue/x"


def test_a_secret_is_deleted_with_what_depends_on_it(laptop: Laptop) -> None:
    laptop("secret", "set", "LICENSE", *AT, stdin="x")
    laptop("secret", "alias", "LICENSE_KEY", "--of", "LICENSE", *AT)

    refused = laptop("secret", "delete", "LICENSE", *AT)
    deleted = laptop("secret", "delete", "LICENSE", *AT, "--with-dependents")
    gone = laptop("secret", "delete", "LICENSE", *AT)

    assert refused.code == 5
    assert refused.complaint.endswith("(On the command line: --with-dependents.)")
    assert printed(deleted).rstrip().endswith(", and 1 secret with it")
    assert gone.code == 4
    assert gone.complaint.startswith("LICENSE is not defined there.")


def test_a_file_is_set_from_a_file(laptop: Laptop) -> None:
    Path(laptop.home, "ca.pem").write_text("certificate\n")

    laptop(
        *("secret", "set", "CA", *AT, "--value-file", "ca.pem", "--exact"),
        *("--mount-path", "/etc/ca.pem", "--description", "For tests"),
    )

    (secret,) = (
        item
        for item in laptop("secret", "list", "--own", "--json", *AT).answer["secrets"]
        if item["key"] == "CA"
    )
    assert (secret["mount_path"], secret["description"]) == ("/etc/ca.pem", "For tests")
    assert printed(laptop("secret", "get", "CA", "--service", AT[1])) == "certificate\n"


def test_changes_are_reported_as_json(laptop: Laptop) -> None:
    made = laptop("secret", "set", "PORT", *AT, "--json", stdin="1").answer
    deleted = laptop("secret", "delete", "PORT", *AT, "--json").answer

    assert made["dry_run"] is False
    assert made["secret"]["key"] == "PORT"
    assert made["secret"]["holder"]["kind"] == "application"
    assert deleted == {"dry_run": False, "deleted": [made["secret"]["id"]]}


def test_a_value_is_read_byte_by_byte(laptop: Laptop) -> None:
    value = 'é\n"$x\u2028 '
    laptop("secret", "set", "ODD", *AT, "--exact", stdin=value)

    assert printed(laptop("secret", "get", "ODD", "--service", AT[1])) == value


def test_an_empty_value_is_set_only_on_request(laptop: Laptop) -> None:
    """What should have printed the value may have failed."""
    refused = [
        laptop("secret", verb, key, *AT, stdin=stdin)
        for verb, key, stdin in [("set", "EMPTY", ""), ("override", "PAYMENT_API_KEY", "\n")]
    ]
    made = laptop("secret", "set", "EMPTY", *AT, "--allow-empty")

    assert {ended.code for ended in refused} == {1}
    assert refused[0].complaint == "the value is empty: give one, or pass --allow-empty."
    assert printed(made).startswith("created EMPTY on ")
    assert printed(laptop("secret", "get", "EMPTY", "--service", AT[1])) == ""


def test_the_nearest_secret_is_aliased_and_the_widest_overridden(laptop: Laptop) -> None:
    """From a service, from an environment, and with a token for that environment alone."""
    made = laptop("token", "create", "--name", "narrow", "--on", "shop/staging", "--json").answer
    laptop("secret", "set", "LEVEL", "--at", "shop", stdin="wide")
    laptop("secret", "override", "LEVEL", "--at", "shop/production", stdin="near")

    aliases = [
        laptop("secret", "alias", key, "--of", of, "--at", at, "--json")
        for key, of, at in [
            ("ITS_LEVEL", "LEVEL", AT[1]),
            ("ENV_LEVEL", "LEVEL", "shop/production"),
            ("OWN_LEVEL", "LEVEL", "shop"),
        ]
    ]
    override = laptop("secret", "override", "LEVEL", *AT, "--json", stdin="own").answer["secret"]
    (staging,) = (
        row
        for row in laptop("environment", "list", "--project", "shop", "--json").answer[
            "environments"
        ]
        if row["name"] == "staging"
    )
    narrow, at_staging = laptop.but(token=made["token"]), ("--at", f"environment:{staging['id']}")
    narrow("secret", "set", "OWN", *at_staging, stdin="x")
    seen, unseen = (
        narrow("secret", "alias", f"{key}_AGAIN", "--of", key, *at_staging)
        for key in ("OWN", "LEVEL")
    )

    by_id = {row["id"]: row for row in laptop("secret", "list", *AT, "--json").answer["secrets"]}
    targets = [by_id[ended.answer["secret"]["target"]["id"]]["scope"] for ended in aliases]
    assert targets == ["ENVIRONMENT", "ENVIRONMENT", "PROJECT"]
    assert by_id[override["target"]["id"]]["scope"] == "PROJECT"
    assert (seen.code, unseen.code) == (0, 4)
    laptop("secret", "delete", "OWN", "--with-dependents", "--at", "shop/staging")


def test_references_of_a_value_are_explained(laptop: Laptop) -> None:
    laptop("secret", "set", "MAIL_URL", *AT, stdin="smtp://{{SMTP_PASSWORD}}@{{NOWHERE}}")

    _, resolved, unresolved, _ = printed(
        laptop("explain", "MAIL_URL", "--service", AT[1])
    ).splitlines()

    assert resolved.startswith("Its value refers to {{SMTP_PASSWORD}} (")
    assert unresolved.endswith(", which leads to no key of the service: it stays text.")


@pytest.mark.parametrize("at", [AT[1], "shop/staging", "shop", f"job:{_NIL}"])
def test_an_alias_of_nothing_is_refused(laptop: Laptop, at: str) -> None:
    assert laptop("secret", "alias", "NEW", "--of", "NOTHING", "--at", at).code == 4


def test_an_export_is_that_of_the_host(laptop: Laptop) -> None:
    exporting = ("export", "--service", SERVICE, "--format")

    dotenv = laptop(*exporting, "dotenv")
    manifest = laptop(*exporting, "k8s")

    assert "SMTP_PASSWORD='demo-bulk-smtp'" in printed(dotenv).splitlines()
    assert dotenv.complaint == "left out the content of 1 file: TLS_CERTIFICATE."
    assert '  "name": "nightly-invoices"' in printed(manifest).splitlines()
    assert manifest.err == ""


def test_a_manifest_of_a_service_that_the_token_does_not_see_needs_a_name(
    laptop: Laptop, server: LiveServer
) -> None:
    made = laptop("token", "create", "--name", "pod", "--role", "runtime", "--json")
    of_pod = laptop.but(token=made.answer["token"])
    exporting = ("export", "--service", server.demo["job_id"], "--format", "k8s")

    on = f"job:{server.demo['job_id']}"
    made = laptop("token", "create", "--name", "one", "--role", "runtime", "--on", on, "--json")
    of_one = laptop.but(token=made.answer["token"])

    assert of_pod(*exporting).complaint.endswith("The manifest's --name makes it needless.")
    assert '"name": "nightly-invoices"' in printed(of_one(*exporting))
    assert '"name": "invoices"' in printed(of_pod(*exporting, "--name", "invoices"))


def test_an_unresolved_reference_can_end_a_command(laptop: Laptop) -> None:
    laptop("secret", "set", "BROKEN", "--at", "analytics/production/reports", stdin="{{MISSING}}")
    running = ("run", "--service", "analytics/production/reports")

    assert laptop(*running, "--", "true").code == 0
    failed = laptop(*running, "--on-unresolved", "fail", "--", "true")
    assert failed.code == 5
    assert "BROKEN to {{MISSING}}" in failed.complaint


def test_an_import_reports_each_row_as_json(laptop: Laptop) -> None:
    rows = json.dumps({"SMTP_PASSWORD": "x", "1BAD": "y", "TLS_CERTIFICATE": "/etc/tls/shop.pem"})

    ended = laptop(
        *("import", "-", "--format", "json", "--at", "shop/production/cart"),
        *("--dry-run", "--json"),
        stdin=rows,
    )

    assert ended.code == 1
    assert ended.answer["summary"] == {
        "created": 0,
        "updated": 0,
        "overridden": 1,
        "skipped": 1,
        "failed": 1,
    }
    overridden, failed, left_alone = ended.answer["rows"]
    assert overridden["key"] == "SMTP_PASSWORD"
    assert (failed["key"], failed["error"]["code"]) == (None, "BAD_USER_INPUT")
    assert "mount path of a file" in left_alone["error"]["message"]


def test_an_import_can_have_as_many_rows_as_on_the_host(laptop: Laptop) -> None:
    rows = json.dumps({f"KEY_{number}": "x" for number in range(MAX_ENTRIES)})

    ended = laptop("import", "-", "--format", "json", "--at", "shop/staging", stdin=rows)

    assert MAX_ENTRIES == MAX_ROWS
    assert ": 1000 created, " in printed(ended).splitlines()[-1]
    found = laptop("secret", "list", "--own", "--json", "--at", "shop/staging").answer
    assert len(found["secrets"]) == MAX_ENTRIES


def test_a_holder_that_is_not_there_is_refused(laptop: Laptop) -> None:
    found = {at: laptop("secret", "list", "--at", at) for at in NOT_THERE}

    assert {at: (ended.code, ended.complaint) for at, ended in found.items()} == NOT_THERE


def test_a_holder_is_found_by_its_id(laptop: Laptop, server: LiveServer) -> None:
    by_id = laptop("secret", "list", "--json", "--at", server.demo["job_id"])
    by_kind = laptop("secret", "list", "--json", "--at", f"job:{server.demo['job_id']}")

    assert (
        by_id.answer == by_kind.answer == laptop("secret", "list", "--json", "--at", SERVICE).answer
    )


def test_services_of_one_name_are_refused_with_their_kinds(
    laptop: Laptop, server: LiveServer
) -> None:
    name = "twins"
    for kind in ("HELM", "CONTAINER"):
        httpx.post(
            f"{server.url}/graphql",
            headers={"Authorization": f"Bearer {server.demo['token']}"},
            json={
                "query": _CREATE_SERVICE,
                "variables": {
                    "environmentId": server.demo["environment_id"],
                    "type": kind,
                    "name": name,
                },
            },
            timeout=PATIENCE,
        ).raise_for_status()

    ended = laptop("secret", "list", "--at", f"shop/production/{name}")

    assert ended.code == 1
    assert "several services are called twins: give one of " in ended.complaint
    assert "helm:" in ended.complaint
    assert "container:" in ended.complaint


def test_a_command_that_names_no_fit_place_is_refused(laptop: Laptop) -> None:
    found = {arguments: laptop(*arguments.split()).complaint for arguments in NO_FIT_PLACE}

    assert found == NO_FIT_PLACE


def test_holders_are_listed_as_json(laptop: Laptop, server: LiveServer) -> None:
    projects = laptop("project", "list", "--json").answer["projects"]
    services = laptop("service", "list", "--environment", "shop/production", "--json").answer

    assert {"id": server.demo["project_id"], "kind": "project", "name": "shop"} in projects
    assert {"id": server.demo["helm_id"], "kind": "helm", "name": "ingress"} in services["services"]


def test_an_import_warns_of_references_that_lead_nowhere(laptop: Laptop) -> None:
    ended = laptop(
        *("import", "-", "--format", "dotenv", "--at", "shop/production/cart", "--dry-run"),
        stdin="GREETING=hello {{NOBODY_HERE}}\n",
    )

    assert ended.code == 0
    assert ended.complaint.startswith("GREETING: The value refers to 1 name that no secret")


def test_a_deletion_can_be_tried(laptop: Laptop) -> None:
    laptop("secret", "set", "STAYS", *AT, stdin="x")

    tried = printed(laptop("secret", "delete", "STAYS", *AT, "--dry-run"))

    assert tried.splitlines()[1] == "Dry run: nothing was changed."
    assert printed(laptop("secret", "get", "STAYS", "--service", AT[1])) == "x"


def test_a_malformed_key_is_refused(laptop: Laptop) -> None:
    ended = laptop("secret", "set", "1KEY", *AT, stdin="x")

    assert ended.code == 1
    assert ended.complaint.startswith("A key must begin with a letter")


def test_the_whole_chain_is_listed_unless_only_its_own_secrets_are_wanted(laptop: Laptop) -> None:
    inherited = laptop("secret", "list", "--at", SERVICE, "--json").answer["secrets"]
    own = laptop("secret", "list", "--at", SERVICE, "--json", "--own").answer["secrets"]

    assert {secret["holder"]["kind"] for secret in inherited} == {"project", "environment", "job"}
    assert {secret["holder"]["kind"] for secret in own} == {"job"}


def test_what_no_service_got_is_listed_and_found(laptop: Laptop) -> None:
    for key in ("UNUSED_ONE", "UNUSED_TWO"):
        laptop("secret", "set", key, "--at", SERVICE, stdin="x")
    laptop("secret", "get", "UNUSED_TWO", "--service", SERVICE)

    def keys(*command: str) -> set[str]:
        found = laptop("secret", *command, "--json").answer["secrets"]
        return {secret["key"] for secret in found if secret["key"].startswith("UNUSED_")}

    assert keys("search", "UNUSED_*", "--unused-since", "90d") == {"UNUSED_ONE"}
    assert keys("list", "--at", "shop/production", "--unused-since", "1h") == {"UNUSED_ONE"}
    assert keys("list", "--at", SERVICE, "--own", "--unused-since", "2020-01-01") == {"UNUSED_ONE"}
    assert keys("list", "--at", "shop/production", "--own", "--unused-since", "1h") == set()
    assert keys("search", "UNUSED_*") == {"UNUSED_ONE", "UNUSED_TWO"}


@pytest.mark.parametrize("text", ["", "90", "90x", "2026-13-01", "31.08.2026"])
def test_what_is_no_time_is_refused(laptop: Laptop, text: str) -> None:
    refused = laptop("secret", "search", "*", "--unused-since", text)

    assert refused.code == 2
    assert "a time is a duration such as 90d" in " ".join(refused.err.split())


def test_a_key_that_the_service_does_not_get_is_refused(laptop: Laptop) -> None:
    ended = laptop("secret", "get", "NOTHING", "--service", SERVICE)

    assert (ended.code, ended.complaint) == (4, "the service gets no NOTHING.")


def test_a_secret_of_a_service_that_is_not_there_is_not_explained(laptop: Laptop) -> None:
    ended = laptop("explain", "KEY", "--service", "00000000-0000-4000-8000-000000000000")

    assert ended.code == 4


def test_a_key_that_a_service_does_not_get_is_explained(laptop: Laptop) -> None:
    facts = laptop("explain", "NOTHING", "--service", SERVICE, "--json").answer

    assert (facts["winner"], facts["absence"]) == (None, "NEVER_DEFINED")


def test_an_alias_is_explained_as_on_the_host(laptop: Laptop) -> None:
    facts = laptop("explain", "BILLING_API_KEY", "--service", SERVICE, "--json").answer

    assert facts["target"]["key"] == "PAYMENT_API_KEY"
    assert facts["value_of"] == facts["target"]["id"]


def test_an_impact_is_reported_as_json(laptop: Laptop) -> None:
    facts = laptop("impact", "INVOICE_SIGNING_KEY", "--at", SERVICE, "--of-edit", "--json").answer

    assert [service["path"] for service in facts["services"]] == [SERVICE]
    assert facts["dependents"] == []


def test_a_secret_that_nothing_uses_has_no_impact(laptop: Laptop) -> None:
    laptop("secret", "set", "UNUSED", "--at", "shop/staging", stdin="x")

    said = printed(laptop("impact", "UNUSED", "--at", "shop/staging"))

    assert said.startswith("No service would notice the deletion of UNUSED on environment staging")
