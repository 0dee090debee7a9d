"""The topology file: what it can say, and how it is told what is wrong with it."""

import pytest

from gateway.cli.printing import Misread
from gateway.cli.topology import read_topology
from gateway.domain.scopes import SERVICE_SCOPES, Scope

FULL = """
organization: Demo
projects:
  shop:
    environments:
      production:
        services:
          application: [storefront]
          job:
            - nightly invoices
            - 123
      staging:
  no:
    environments: {}
"""


def test_file_names_every_holder_the_widest_first() -> None:
    shop, production = (Scope.PROJECT, "shop"), (Scope.ENVIRONMENT, "production")

    topology = read_topology(FULL)

    assert topology.organization == "Demo"
    assert topology.paths == (
        (shop,),
        (shop, production),
        (shop, production, (Scope.APPLICATION, "storefront")),
        (shop, production, (Scope.JOB, "nightly invoices")),
        (shop, production, (Scope.JOB, "123")),
        (shop, (Scope.ENVIRONMENT, "staging")),
        ((Scope.PROJECT, "no"),),
    )
    topology.ensure_valid()


@pytest.mark.parametrize("kind", list(SERVICE_SCOPES))
def test_every_kind_of_service_can_be_named(kind: Scope) -> None:
    services = f"services: {{{kind.lower()}: [x]}}"
    text = f"{{organization: A, projects: {{p: {{environments: {{e: {{{services}}}}}}}}}}}"

    assert read_topology(text).paths[-1][-1] == (kind, "x")


def test_environment_may_name_a_kind_without_services() -> None:
    assert len(read_topology(f"{ENVIRONMENT}        services: {{job: }}").paths) == 2


@pytest.mark.parametrize("text", ["organization: Demo", "{organization: Demo, projects: }"])
def test_organization_may_be_empty(text: str) -> None:
    assert read_topology(text).paths == ()


PROJECT = "organization: Demo\nprojects:\n  shop:\n"
ENVIRONMENT = f"{PROJECT}    environments:\n      live:\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file names no `organization`."),
        ("projects: {}", "the file names no `organization`."),
        ("- a", "line 1: here can stand only: organization, projects."),
        ("organization: Demo\nproject: {}", "line 2: here can stand only: organization, projects."),
        ("organization: [Demo]", "line 1: a name is a text."),
        ("organization: ''", "line 1: A name must have 1 to 255 characters"),
        ("organization:", "line 1: a name is a text."),
        ("organization: Demo\norganization: Demo", "line 2: this key stands here for the second"),
        ("organization: Demo\nprojects: [shop]", "line 2: `projects` must be a mapping of names"),
        (f"{PROJECT}  shop: {{}}", "line 4: this key stands here for the second time."),
        (f"{PROJECT}    services: {{}}", "line 4: here can stand only: environments."),
        (f"{PROJECT}    - live", "line 4: here can stand only: environments."),
        (f"{PROJECT}    environments: live", "line 4: `environments` must be a mapping of names"),
        (f"{ENVIRONMENT}        jobs: [a]", "line 6: here can stand only: services."),
        (f"{ENVIRONMENT}        services: [a]", "line 6: services stand below their kind"),
        (f"{ENVIRONMENT}        services: {{database: [a]}}", "line 6: services stand below"),
        (f"{ENVIRONMENT}        services: {{JOB: [a]}}", "line 6: services stand below"),
        (f"{ENVIRONMENT}        services: {{job: a}}", "line 6: services of a kind are a list"),
        (f"{ENVIRONMENT}        services: {{job: [{{a: b}}]}}", "line 6: a name is a text."),
        (f"{ENVIRONMENT}        services: {{job: [a, a]}}", "line 6: this name stands here for"),
        (f"{ENVIRONMENT}        services: {{job: [' a']}}", "line 6: A name must have 1 to 255"),
        (f"{ENVIRONMENT}        services: {{job: [~]}}", "line 6: a name is a text."),
        (
            "organization: &a Demo\nprojects: {*a : {}}",
            "line 2: anchors, aliases and merge",
        ),
        ("organization: 'Demo", "line 1: this is not one YAML document."),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(Misread) as refused:
        read_topology(text)

    assert str(refused.value).startswith(complaint)


def test_lines_that_would_multiply_are_refused() -> None:
    laughs = "\n".join(f"  a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 40))

    with pytest.raises(Misread, match="anchors, aliases and merge keys"):
        read_topology(f"organization: Demo\nprojects:\n  a0: &a0 {{}}\n{laughs}")
