"""`export`: what a service gets, on standard output; never on standard error."""

import json
from base64 import b64decode

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


def test_export_holds_all_that_the_service_gets(line: CommandLine, demo: Demo) -> None:
    """R1."""
    exported = line("export", "--service", demo.job_id, "--format", "json")

    assert exported.code == 0
    assert json.loads(exported.out) == VALUES


def test_export_as_dotenv_has_a_line_a_key(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "dotenv")

    assert exported.out.splitlines() == [f'{key}="{value}"' for key, value in VALUES.items()]


def test_export_as_yaml_is_a_mapping(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "yaml")

    assert yaml.safe_load(exported.out) == VALUES


def test_export_for_kubernetes_holds_the_files_too(line: CommandLine, demo: Demo) -> None:
    """R2."""
    exported = line("export", "--service", demo.job_id, "--format", "k8s", "--name", "invoices")

    variables, files = yaml.safe_load_all(exported.out)
    assert {key: b64decode(it).decode() for key, it in variables["data"].items()} == VALUES
    assert files["metadata"]["name"] == "invoices-files"
    assert b64decode(files["data"]["TLS_CERTIFICATE"]) == b"demo certificate"
    assert exported.err == ""


def test_export_says_which_files_it_leaves_out(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "dotenv")

    assert exported.complaint == "left out the content of 1 file: TLS_CERTIFICATE."


def test_export_finds_services_of_every_organization(line: CommandLine) -> None:
    other = line("organization", "create", "Other", "--json").told["id"]
    project = line("project", "create", "lone", "--organization", other, "--json").told["id"]
    place = ["--organization", other, "--project", project]
    line("environment", "create", "live", *place)
    made = line(
        "service", "create", "worker", *place, "--environment", "live", "--kind", "job", "--json"
    )

    exported = line("export", "--service", made.told["id"], "--format", "json")

    assert exported.told == {}


@pytest.mark.parametrize("service", ["project_id", "environment_id", "organization_id"])
def test_what_is_no_service_gets_nothing(line: CommandLine, demo: Demo, service: str) -> None:
    exported = line("export", "--service", getattr(demo, service), "--format", "json")

    assert exported.code == 1
    assert exported.out == ""
    assert exported.complaint.startswith("No holder has the id ")


def test_only_a_manifest_has_a_name(line: CommandLine, demo: Demo) -> None:
    exported = line("export", "--service", demo.job_id, "--format", "json", "--name", "shop")

    assert exported.code == 2
    assert exported.complaint == "Invalid value for --name: only a k8s manifest has a name."
