"""Organizations, by their names or ids."""

import pytest

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine


def test_created_organization_is_listed(line: CommandLine) -> None:
    made = line("organization", "create", "Other", "--json").answer

    assert made["name"] == "Other"
    assert made in line("organization", "list", "--json").answer["organizations"]
    assert f"{made['id']}  Other" in line("organization", "list").out.splitlines()


def test_organization_is_renamed_by_name_or_id(line: CommandLine, demo: Demo) -> None:
    line("organization", "rename", "Demo", "Next")

    renamed = line("organization", "rename", demo.organization_id, "Last")

    assert renamed.out == f"renamed organization Last ({demo.organization_id})\n"
    assert [
        organization["name"]
        for organization in line("organization", "list", "--json").answer["organizations"]
    ] == ["Last"]


def test_renaming_to_the_same_name_changes_nothing(line: CommandLine) -> None:
    assert line("organization", "rename", "Demo", "Demo").code == 0


def test_what_is_in_an_organization_is_shown_with_its_ids(line: CommandLine, demo: Demo) -> None:
    answer = line("organization", "show", "Demo", "--json").answer
    shown = line("organization", "show", "Demo").out.splitlines()

    paths = [holder["path"] for holder in answer["holders"]]
    assert (answer["id"], paths) == (demo.organization_id, sorted(paths))
    assert len(shown) == len(paths)
    assert f"{demo.project_id}  project      shop" in shown
    assert f"{demo.job_id}  job          shop / production / nightly-invoices" in shown
    assert [item["secrets"] for item in answer["holders"] if item["id"] == demo.project_id] == [2]


def test_another_organization_is_not_shown(line: CommandLine) -> None:
    line("organization", "create", "Other")

    assert line("organization", "show", "Other").out == ""


@pytest.mark.parametrize("action", [["create"], ["rename", "Demo"]], ids=["create", "rename"])
def test_two_organizations_cannot_have_one_name(line: CommandLine, action: list[str]) -> None:
    line("organization", "create", "Other")

    refused = line("organization", *action, "Other")

    assert refused.code == 1
    assert refused.complaint == "The name is taken by another organization."


@pytest.mark.parametrize(
    "arguments",
    [["rename", "Missing", "Next"], ["delete", "Missing"], ["show", "Missing"]],
    ids=["rename", "delete", "show"],
)
def test_organization_that_is_not_there_is_reported(
    line: CommandLine, arguments: list[str]
) -> None:
    refused = line("organization", *arguments)

    assert refused.code == 1
    assert refused.complaint == "No organization has that name."


def test_name_against_the_rules_is_refused(line: CommandLine) -> None:
    refused = line("organization", "rename", "Demo", " Demo")

    assert refused.code == 1
    assert refused.complaint.startswith("A name must have 1 to 255 characters")


def test_organization_without_projects_is_deleted_with_its_tokens(line: CommandLine) -> None:
    line("organization", "create", "Other")
    line("token", "create", "--organization", "Other", "--name", "robot")

    deleted = line("organization", "delete", "Other")

    assert deleted.out.endswith("with 0 holders, 0 secrets and 1 token\n")
    assert "Other" not in line("organization", "list").out


def test_organization_with_projects_is_deleted_only_if_that_is_asked_for(
    line: CommandLine, demo: Demo
) -> None:
    refused = line("organization", "delete", "Demo")
    rehearsed = line("organization", "delete", "Demo", "--with-content", "--dry-run")
    answer = line("organization", "delete", "Demo", "--with-content", "--json").answer

    assert refused.code == 1
    assert "also delete 13 holders and 11 secrets." in refused.complaint
    assert "--with-content" in refused.complaint
    assert rehearsed.out.startswith(f"would delete organization Demo ({demo.organization_id})")
    assert answer == {
        "id": demo.organization_id,
        "name": "Demo",
        "dry_run": False,
        "holders": 13,
        "secrets": 11,
        "tokens": 1,
    }
    assert line("organization", "list").out == ""


def test_deleting_an_organization_leaves_the_others(line: CommandLine, demo: Demo) -> None:
    line("organization", "create", "Other")
    line("project", "create", "shop", "--organization", "Other")

    line("organization", "delete", "Other", "--with-content")

    assert line("export", "--service", demo.job_id, "--format", "json").code == 0
