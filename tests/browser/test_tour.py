"""The tour: each of its steps runs as it stands, whoever comes and by whatever link."""

import json
from secrets import token_hex
from typing import Final

import pytest
from playwright.async_api import expect

from tests.browser.explorer import Explorer
from tests.patience import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_SOME_ID: Final = "0f8e2c4a-7b1d-4e6f-9a3c-5d2b8e7f1a60"
_CREATE_TOKEN: Final = """mutation ($name: String!, $role: Role!) {
  createApiToken(name: $name, role: $role) { token }
}"""


async def _token_of(explorer: Explorer, role: str) -> str:
    answer = await explorer.page.request.post(
        f"{explorer.server.url}/graphql",
        headers={"Authorization": f"Bearer {explorer.server.demo['token']}"},
        data={"query": _CREATE_TOKEN, "variables": {"name": token_hex(4), "role": role}},
        timeout=PATIENCE * 1_000,
    )
    token: str = (await answer.json())["data"]["createApiToken"]["token"]
    return token


async def test_each_step_runs_as_it_stands_without_a_link(explorer: Explorer) -> None:
    await explorer.open()
    await explorer.connect()

    await explorer.take_the_tour()


@pytest.mark.parametrize(
    "kind",
    ["application_id", "container_id", "helm_id", "terraform_id", "agentic_workflow_id"],
)
async def test_each_step_runs_for_every_kind_of_service(explorer: Explorer, kind: str) -> None:
    await explorer.open(serviceId=explorer.server.demo[kind])
    await explorer.connect()

    await explorer.take_the_tour()


async def test_without_a_link_the_service_with_most_to_show_is_shown(explorer: Explorer) -> None:
    await explorer.open()

    await explorer.connect()

    await expect(explorer.about).to_have_text("nightly-invoices (job) in shop / production")


async def test_the_alias_is_offered_under_a_key_that_is_free(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("CreateAlias")
    await explorer.run()
    await expect(explorer.response).to_contain_text('"errors": []')
    await explorer.run()
    await expect(explorer.response).to_contain_text("CONFLICT")

    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("CreateAlias")
    await explorer.run()

    await expect(explorer.response).to_contain_text('"errors": []')


async def test_what_would_break_and_the_rehearsal_are_about_one_secret(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("WhatWouldBreak")
    await explorer.run()
    await expect(explorer.response).to_contain_text('"key": "PAYMENT_API_KEY"')
    before = await explorer.variables.inner_text()

    await explorer.choose_tab("TryDeletion")
    await explorer.run()

    await expect(explorer.response).to_contain_text('"errors": []')
    assert await explorer.variables.inner_text() == before


async def test_the_rehearsal_deletes_nothing(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("TryDeletion")
    await explorer.run()
    await expect(explorer.response).to_contain_text('"errors": []')
    await explorer.choose_tab("WhatWouldBreak")

    await explorer.run()

    await expect(explorer.response).to_contain_text('"key": "PAYMENT_API_KEY"')


async def test_a_link_to_a_secret_is_about_that_secret(explorer: Explorer) -> None:
    demo = explorer.server.demo
    await explorer.open(serviceId=demo["job_id"], secretId=demo["built_in_secret_id"])
    await explorer.connect()
    await explorer.choose_tab("WhatWouldBreak")

    await explorer.run()

    await expect(explorer.response).to_contain_text('"key": "QOVERY_POSTGRESQL_ZF83A_PASSWORD"')


async def test_a_link_to_a_secret_alone_finds_a_service_that_sees_it(explorer: Explorer) -> None:
    await explorer.open(secretId=explorer.server.demo["built_in_secret_id"])
    await explorer.connect()
    await explorer.choose_tab("CreateAlias")

    await explorer.run()

    await expect(explorer.response).to_contain_text('"errors": []')


async def test_a_link_to_a_key_explains_that_key(explorer: Explorer) -> None:
    await explorer.open(serviceId=explorer.server.demo["job_id"], key="SMTP_PASSWORD")
    await explorer.connect()

    await expect(explorer.variables).to_contain_text('"key": "SMTP_PASSWORD"')


async def test_a_token_that_sees_nothing_learns_so(explorer: Explorer) -> None:
    token = await _token_of(explorer, "RUNTIME")
    await explorer.open()

    await explorer.enter_token(token)

    await expect(explorer.about).to_contain_text("This token sees no service to show")


async def test_a_viewer_is_reported_what_they_cannot_do(explorer: Explorer) -> None:
    token = await _token_of(explorer, "VIEWER")
    await explorer.open()
    await explorer.enter_token(token)
    await expect(explorer.status).to_have_text("Connected")
    await explorer.choose_tab("CreateAlias")

    await explorer.run()

    await expect(explorer.response).to_contain_text('"FORBIDDEN"')


async def test_a_button_brings_its_step_to_the_front_and_says_its_story(
    explorer: Explorer,
) -> None:
    await explorer.open()

    await explorer.press("3 What would break")

    await expect(explorer.page.get_by_role("tab", name="WhatWouldBreak")).to_have_attribute(
        "aria-selected", "true"
    )
    await expect(explorer.tour).to_contain_text("dependents are the aliases and overrides")


async def test_a_tab_marks_its_step(explorer: Explorer) -> None:
    await explorer.open()

    await explorer.choose_tab("TryDeletion")

    marked = explorer.tour.locator("[aria-current=step]")
    await expect(marked).to_have_text("4 Try the deletion")


async def test_a_step_whose_tab_was_closed_comes_back(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("TryDeletion")
    await explorer.page.locator(".graphiql-tab-active").get_by_label("Close Tab").click()
    await expect(explorer.page.get_by_role("tab", name="TryDeletion")).to_have_count(0)

    await explorer.press("4 Try the deletion")
    await explorer.run()

    await expect(explorer.response).to_contain_text('"deletedSecretIds"')


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"serviceId": _SOME_ID}, {"serviceId": _SOME_ID}),
        ({"jobId": _SOME_ID}, {"serviceId": _SOME_ID}),
        ({"key": "SOME_KEY"}, {"key": "SOME_KEY"}),
    ],
)
async def test_what_a_link_names_is_there_before_any_token(
    explorer: Explorer, given: dict[str, str], shown: dict[str, str]
) -> None:
    await explorer.open(**given)

    await expect(explorer.variables).to_contain_text(json.dumps(shown)[1:-1])


@pytest.mark.parametrize(
    "spelling",
    [
        _SOME_ID.upper(),
        f"{{{_SOME_ID}}}",
        _SOME_ID.replace("-", ""),
        f"{_SOME_ID}\n",
        '"}<script>alert(1)</script>',
    ],
)
async def test_only_canonical_ids_of_a_link_are_taken(explorer: Explorer, spelling: str) -> None:
    await explorer.open(serviceId=spelling, jobId=spelling)

    await expect(explorer.variables).to_contain_text('"serviceId": "<a service\'s id>"')


async def test_only_keys_of_a_link_are_taken(explorer: Explorer) -> None:
    await explorer.open(key='"}, { "x": "')

    await expect(explorer.variables).to_contain_text('"key": "<a key>"')
