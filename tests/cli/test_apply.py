"""`apply`: an organization becomes what a file says, all of it or nothing."""

import json
from pathlib import Path

import pytest

from gateway.config.settings import Settings
from gateway.domain.topology import PlanOutdated, Topology
from gateway.runtime import Runtime
from gateway.services.context import ServiceContext
from gateway.services.demo import Demo
from gateway.services.operator.directory import Topologies
from tests.cli.conftest import CommandLine, Finished
from tests.cli.test_topology_plans import LIVE, SHOP

NEW = """
organization: Fresh
projects:
  shop:
    environments:
      live:
        services:
          job: [nightly]
          helm: [nightly]
      test:
"""
# The demo's shop without its newsletter, which has no secrets.
WITHOUT_NEWSLETTER = """
organization: Demo
projects:
  analytics: {environments: {production: {services: {job: [reports]}}}}
  shop:
    environments:
      staging:
      production:
        services:
          application: [storefront]
          container: [cart]
          job: [nightly-invoices]
          helm: [ingress]
          terraform: [network]
          agentic_workflow: [support]
"""
ONLY_ANALYTICS = "{organization: Demo, projects: {analytics: }}"


def _apply(line: CommandLine, topology: str, *more: str) -> Finished:
    return line("apply", "-f", "-", *more, stdin=topology)


def test_file_makes_an_organization_with_all_that_is_in_it(line: CommandLine) -> None:
    applied = _apply(line, NEW)

    assert applied.code == 0
    assert applied.out.splitlines() == [
        "organization Fresh (new)",
        "  create project shop",
        "  create environment shop / live",
        "  create job shop / live / nightly",
        "  create helm shop / live / nightly",
        "  create environment shop / test",
        "Done.",
    ]


def test_applying_again_does_nothing(line: CommandLine) -> None:
    _apply(line, NEW)

    again = _apply(line, NEW, "--prune")

    assert again.out == "organization Fresh\nNothing to do.\n"


def test_what_was_made_works_at_once(line: CommandLine) -> None:
    """The ids that were told are the ones it has; the project has its data key."""
    answer = _apply(line, NEW, "--json").answer
    ids = {step["kind"]: step["id"] for step in answer["create"]}

    line("import", "--holder", f"project:{ids['project']}", "--format", "dotenv", "-", stdin="A=1")

    assert line("export", "--service", ids["job"], "--format", "json").answer == {"A": "1"}


def test_dry_run_says_the_same_and_changes_nothing(line: CommandLine) -> None:
    rehearsed = _apply(line, NEW, "--dry-run")
    organizations = line("organization", "list").out

    done = _apply(line, NEW)

    assert "Fresh" not in organizations
    assert rehearsed.out == done.out.replace("Done.", "Dry run: nothing was changed.")


def test_dry_run_says_programs_no_ids_of_what_will_not_be(line: CommandLine) -> None:
    answer = _apply(line, NEW, "--dry-run", "--json").answer

    assert answer["dry_run"] is True
    assert answer["organization"] == {"id": None, "name": "Fresh", "is_new": True}
    assert {step["id"] for step in answer["create"]} == {None}


def test_what_the_file_does_not_name_stays(line: CommandLine, demo: Demo) -> None:
    applied = _apply(line, ONLY_ANALYTICS)

    assert applied.out.splitlines() == [
        "organization Demo",
        "  keep 12 holders that the file does not name",
        "Nothing to do.",
    ]
    assert line("export", "--service", demo.job_id, "--format", "json").code == 0


def test_prune_deletes_what_the_file_does_not_name(line: CommandLine, demo: Demo) -> None:
    applied = _apply(line, WITHOUT_NEWSLETTER, "--prune")

    assert applied.out.splitlines() == [
        "organization Demo",
        "  delete job shop / production / newsletter, with 0 secrets",
        "Done.",
    ]
    assert line("export", "--service", demo.other_job_id, "--format", "json").code == 1
    assert line("export", "--service", demo.job_id, "--format", "json").code == 0


def test_prune_deletes_secrets_only_if_that_is_asked_for(line: CommandLine, demo: Demo) -> None:
    refused = _apply(line, ONLY_ANALYTICS, "--prune")

    assert refused.code == 1
    assert "  delete project shop, with 2 secrets" in refused.out.splitlines()
    assert refused.complaint.startswith("The plan would also delete 11 secrets of 4 holders.")
    assert "--with-content" in refused.complaint
    assert line("export", "--service", demo.job_id, "--format", "json").code == 0


def test_rehearsed_deletion_of_secrets_is_refused_as_well(line: CommandLine) -> None:
    """A dry run ends as the real one would."""
    assert _apply(line, ONLY_ANALYTICS, "--prune", "--dry-run").code == 1


def test_prune_deletes_whole_projects_with_their_secrets(line: CommandLine, demo: Demo) -> None:
    answer = _apply(line, ONLY_ANALYTICS, "--prune", "--with-content", "--json").answer

    assert answer["keep"] == []
    assert sum(step["secrets"] for step in answer["delete"]) == 11
    assert answer["delete"][-1]["path"] == ["shop"]
    assert line("export", "--service", demo.job_id, "--format", "json").code == 1
    assert _apply(line, ONLY_ANALYTICS, "--prune").out.endswith("Nothing to do.\n")


def test_other_organizations_are_left_alone(line: CommandLine, demo: Demo) -> None:
    line("organization", "create", "Other")

    _apply(line, "organization: Other", "--prune", "--with-content")

    assert line("export", "--service", demo.job_id, "--format", "json").code == 0


def test_file_that_cannot_be_read_changes_nothing(line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(f"{NEW}  shop:\n")

    refused = line("apply", "--file", str(file))

    assert refused.code == 1
    assert refused.out == ""
    assert refused.complaint == (
        "topology.yaml: line 11: this key stands here for the second time."
    )


async def test_plan_that_is_outdated_changes_nothing(data_dir: Path) -> None:
    """What is done is what was told."""
    async with Runtime.over(Settings(data_dir=data_dir)).running() as runtime:
        use_case = Topologies(ServiceContext(runtime.database, runtime.vault))
        plan = await use_case.plan(wanted=Topology(organization="Fresh", paths=(SHOP, LIVE)))
        await use_case.apply(
            plan=await use_case.plan(wanted=Topology(organization="Fresh", paths=(SHOP,)))
        )

        with pytest.raises(PlanOutdated):
            await use_case.apply(plan=plan)

        again = await use_case.plan(wanted=plan.wanted)
    assert [step.path for step in again.creations] == [LIVE]


def test_steps_are_reported_to_programs_as_paths(line: CommandLine) -> None:
    answer = _apply(line, NEW, "--json").answer

    assert [(step["kind"], "/".join(step["path"])) for step in answer["create"]] == [
        ("project", "shop"),
        ("environment", "shop/live"),
        ("job", "shop/live/nightly"),
        ("helm", "shop/live/nightly"),
        ("environment", "shop/test"),
    ]
    assert json.dumps(answer["delete"]) == "[]"
