"""Projects, environments and services, by their names or ids."""

import json

import pytest

from gateway.domain.scopes import SERVICE_SCOPES
from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

DEMO = ("--organization", "Demo")
PRODUCTION = (*DEMO, "--project", "shop", "--environment", "production")


def test_hierarchy_is_made_by_names(line: CommandLine) -> None:
    line("project", "create", "site", *DEMO)
    line("environment", "create", "live", *DEMO, "--project", "site")

    made = line(
        *("service", "create", "web", *DEMO, "--project", "site", "--environment", "live"),
        *("--kind", "application", "--json"),
    ).answer

    assert (made["kind"], made["name"]) == ("application", "web")
    assert line("export", "--service", made["id"], "--format", "json").answer == {}


def test_hierarchy_is_made_by_ids(line: CommandLine, demo: Demo) -> None:
    by_id = ("--organization", demo.organization_id)
    environment = line(
        "environment", "create", "qa", *by_id, "--project", demo.project_id, "--json"
    ).answer["id"]

    made = line("service", "create", "web", *by_id, "--environment", environment, "--kind", "helm")

    assert made.out.startswith("created helm web (")


@pytest.mark.parametrize("kind", [kind.lower() for kind in SERVICE_SCOPES])
def test_every_kind_of_service_can_be_made(line: CommandLine, kind: str) -> None:
    made = line("service", "create", "new", *PRODUCTION, "--kind", kind, "--json").answer

    assert made["kind"] == kind


@pytest.mark.parametrize("kind", ["database", "project", "JOB", ""])
def test_nothing_else_is_a_kind_of_service(line: CommandLine, kind: str) -> None:
    refused = line("service", "create", "new", *PRODUCTION, "--kind", kind)

    assert refused.code == 2
    assert "a kind of service is one of application, container, job" in refused.complaint


def test_created_project_can_hold_secrets(line: CommandLine) -> None:
    """It comes with the data key that its values are sealed with."""
    made = line("project", "create", "site", *DEMO, "--json").answer

    imported = line(
        *("import", "--holder", f"project:{made['id']}", "--format", "dotenv", "-"), stdin="A=1"
    )

    assert imported.code == 0


@pytest.mark.parametrize(
    ("group", "name", "place"),
    [
        ("project", "shop", DEMO),
        ("environment", "production", PRODUCTION[:4]),
        ("service", "nightly-invoices", PRODUCTION),
    ],
)
def test_holders_are_renamed_by_name(
    line: CommandLine, group: str, name: str, place: tuple[str, ...]
) -> None:
    renamed = line(group, "rename", name, "next", *place, "--json").answer

    assert renamed["name"] == "next"
    assert line(group, "rename", name, "last", *place).code == 1
    assert line(group, "rename", renamed["id"], "last", *DEMO).code == 0


def test_service_that_is_not_there_is_reported(line: CommandLine) -> None:
    refused = line("service", "rename", "missing", "next", *PRODUCTION)

    assert refused.code == 1
    assert refused.complaint == "No service there has that name or id."


def test_name_of_an_environment_needs_its_project(line: CommandLine) -> None:
    refused = line("environment", "rename", "production", "next", *DEMO)

    assert refused.code == 1
    assert refused.complaint == ("Give the id of the environment, or also name its project.")


def test_name_of_several_services_needs_the_kind(line: CommandLine) -> None:
    line("service", "create", "storefront", *PRODUCTION, "--kind", "job")

    refused = line("service", "delete", "storefront", *PRODUCTION)
    deleted = line("service", "delete", "storefront", *PRODUCTION, "--kind", "job")

    assert refused.complaint == (
        "Services of several kinds have that name: application, job. Give the kind."
    )
    assert deleted.out.startswith("deleted job storefront (")


def test_holder_of_another_organization_is_not_found(line: CommandLine, demo: Demo) -> None:
    line("organization", "create", "Other")

    refused = line("project", "delete", demo.project_id, "--organization", "Other")

    assert refused.code == 1
    assert refused.complaint == "No project there has that name or id."


def test_holder_is_not_found_below_another(line: CommandLine, demo: Demo) -> None:
    refused = line(
        "environment", "delete", demo.environment_id, *DEMO, "--project", demo.other_project_id
    )

    assert refused.code == 1


def test_holder_with_content_is_deleted_only_if_that_is_asked_for(
    line: CommandLine, demo: Demo
) -> None:
    refused = line("service", "delete", demo.job_id, *DEMO)
    deleted = line("service", "delete", demo.job_id, *DEMO, "--with-content")

    assert refused.code == 1
    assert "also delete 0 holders and 2 secrets." in refused.complaint
    assert "--with-content" in refused.complaint
    assert deleted.out == f"deleted job nightly-invoices ({demo.job_id}), with 2 secrets\n"
    assert line("export", "--service", demo.job_id, "--format", "json").code == 1


def test_deletion_says_all_that_goes(line: CommandLine, demo: Demo) -> None:
    rehearsed = line("project", "delete", "analytics", *DEMO, "--with-content", "--dry-run")

    assert rehearsed.out.splitlines() == [
        f"would delete project analytics ({demo.other_project_id}), with 0 secrets",
        "  and environment production, with 0 secrets",
        "  and job reports, with 0 secrets",
    ]
    assert line("export", "--service", demo.foreign_job_id, "--format", "json").code == 0


def test_deletion_says_programs_all_that_went(line: CommandLine, demo: Demo) -> None:
    answer = line("project", "delete", "shop", *DEMO, "--with-content", "--json").answer

    assert answer["dry_run"] is False
    assert answer["holders"][0] == {
        "id": demo.project_id,
        "kind": "project",
        "name": "shop",
        "secrets": 2,
    }
    assert len(answer["holders"]) == 10
    assert json.dumps(answer).count(demo.job_id) == 1
