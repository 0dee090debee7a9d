"""`export`: what a service gets, on standard output; never on standard error."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
import yaml

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

VALUES = {
    "BILLING_API_KEY": "demo-payment-key",
    "ERROR_REPORT_DSN": "https://demo@errors.invalid/1",
    "INVOICE_SIGNING_KEY": "demo-signing-key",
    "PAYMENT_API_KEY": "demo-live-payment-key",
    "QOVERY_POSTGRESQL_ZF83A_PASSWORD": "demo-database-password",
    "SMTP_PASSWORD": "demo-bulk-smtp",
    "TLS_CERTIFICATE": "/etc/tls/shop.pem",
    "TRACING_API_KEY": "demo-tracing",
}


@pytest.mark.rule("R1")
def test_export_holds_all_that_the_service_gets(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "json")

    assert exported.code == 0
    assert json.loads(exported.out) == VALUES


MARK = '# mount path of a file, which an import leaves alone: TLS_CERTIFICATE "/etc/tls/shop.pem"'


def test_export_as_dotenv_has_a_line_for_each_key_and_marks_files(
    line: CommandLine, demo: Demo
) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "dotenv")

    assert exported.out.splitlines() == [*(f"{k}='{value}'" for k, value in VALUES.items()), MARK]


@pytest.mark.parametrize(
    ("form", "first", "last"),
    [
        ("shell", "export BILLING_API_KEY='demo-payment-key'", MARK),
        ("docker", "BILLING_API_KEY=demo-payment-key", MARK),
        ("github", "BILLING_API_KEY<<SECRETS_GATEWAY_0", "SECRETS_GATEWAY_0"),
    ],
)
def test_export_has_texts_for_other_programs(
    line: CommandLine, demo: Demo, form: str, first: str, last: str
) -> None:
    lines = line("export", "--service", demo.job_id, "--format", form).out.splitlines()

    assert (lines[0], lines[-1]) == (first, last)


def test_export_as_yaml_is_a_mapping(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "yaml")

    assert yaml.safe_load(exported.out) == VALUES


@pytest.mark.rule("R2")
def test_export_for_kubernetes_holds_the_files_too(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "k8s", "--name", "invoices")

    variables, files = yaml.safe_load_all(exported.out)
    assert {key: b64decode(value).decode() for key, value in variables["data"].items()} == VALUES
    assert files["metadata"]["name"] == "invoices-files"
    assert b64decode(files["data"]["TLS_CERTIFICATE"]) == b"demo certificate"
    assert exported.err == ""


def test_export_says_which_files_it_leaves_out(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "dotenv")

    assert exported.complaint == "left out the content of 1 file: TLS_CERTIFICATE."


def test_export_finds_services_of_every_organization(line: CommandLine) -> None:
    other = line("organization", "create", "Other", "--json").answer["id"]
    project = line("project", "create", "lone", "--organization", other, "--json").answer["id"]
    place = ["--organization", other, "--project", project]
    line("environment", "create", "live", *place)
    made = line(
        "service", "create", "worker", *place, "--environment", "live", "--kind", "job", "--json"
    )

    exported = line("export", "--service", made.answer["id"], "--format", "json")

    assert exported.answer == {}


@pytest.mark.rule("R1")
def test_export_of_an_environment_is_what_services_get_from_there(
    line: CommandLine, demo: Demo
) -> None:
    """Own and inherited secrets, and none of a service."""
    holder = f"environment:{demo.environment_id}"
    exported = line("export", "--holder", holder, "--format", "json")

    assert exported.answer == {
        "BILLING_API_KEY": "demo-payment-key",
        "ERROR_REPORT_DSN": "https://demo@errors.invalid/1",
        "PAYMENT_API_KEY": "demo-live-payment-key",
        "QOVERY_POSTGRESQL_ZF83A_PASSWORD": "demo-database-password",
        "SMTP_PASSWORD": "demo-smtp",
        "TLS_CERTIFICATE": "/etc/tls/shop.pem",
        "TRACING_API_KEY": "demo-tracing",
    }
    assert exported.err.splitlines()[0] == (
        f"secrets-gateway: environment production ({demo.environment_id}) is not a service: these "
        "are its own secrets and those of its project."
    )


def test_export_of_a_holder_is_recorded_like_a_services(line: CommandLine, demo: Demo) -> None:
    holder = f"project:{demo.project_id}"
    line("export", "--holder", holder, "--format", "yaml")

    events = [json.loads(item) for item in line("audit", "export").out.splitlines()]
    assert events[-1]["action"] == "VALUES_DELIVERED"
    assert events[-1]["holder_id"] == demo.project_id
    assert events[-1]["details"]["keys"] == 2


REST_OF = {
    "export": ["--format", "json"],
    "run": ["--", "true"],
    "explain": ["SMTP_PASSWORD"],
    "graph": [],
}


@pytest.mark.parametrize("command", REST_OF)
def test_what_is_not_a_service_is_named(line: CommandLine, demo: Demo, command: str) -> None:
    called = {
        demo.environment_id: f"environment production ({demo.environment_id})",
        demo.organization_id: f"organization Demo ({demo.organization_id})",
    }
    hint = " --holder exports a project or an environment." if command == "export" else ""

    refused = {item: line(command, "--service", item, *REST_OF[command]) for item in called}

    assert {(item.code, item.out) for item in refused.values()} == {(1, "")}
    assert {name: finished.complaint for name, finished in refused.items()} == {
        name: f"{what} is not a service: give the id of one.{hint}" for name, what in called.items()
    }


def test_export_of_what_is_not_there_is_refused(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--holder", f"job:{demo.project_id}", "--format", "json")

    assert (exported.code, exported.complaint) == (1, f"No job has the id {demo.project_id}.")


@pytest.mark.parametrize("given", [[], ["--service", "x", "--holder", "job:x"]])
def test_export_takes_one_holder(line: CommandLine, given: list[str]) -> None:
    exported = line("export", *given, "--format", "json")

    assert exported.code == 2
    assert exported.complaint.endswith("give one of --service and --holder.")


def test_only_a_manifest_has_a_name(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "json", "--name", "shop")

    assert exported.code == 2
    assert exported.complaint == "Invalid value for --name: only a k8s manifest has a name."


@pytest.mark.rule("R4")
def test_export_complains_of_references_that_lead_nowhere(
    line: CommandLine, demo: Demo, tmp_path: Path
) -> None:
    """Without the name, which may be part of the value; failing names it."""
    holder = f"job:{demo.job_id}"
    file = tmp_path / "live.env"
    file.write_text("LOST='x{{hunter2}}'\nFINE='{{SMTP_PASSWORD}}'\n", "utf-8")
    assert line("import", "--holder", holder, str(file)).code == 0
    export = ("export", "--service", demo.job_id, "--format", "json")

    kept = line(*export)
    failed = line(*export, "--on-unresolved", "fail")
    run = line("run", "--service", demo.job_id, "--on-unresolved", "fail", "--", "true")

    assert (kept.code, json.loads(kept.out)["LOST"]) == (0, "x{{hunter2}}")
    assert "LOST: 1 reference leads to no key" in kept.err
    assert "hunter2" not in kept.err
    assert "FINE" not in kept.err
    assert (failed.code, failed.out) == (1, "")
    assert "LOST to {{hunter2}}" in failed.complaint
    assert run.code == 1
