"""What a person can do on /graphiql, and what the page tells them."""

import asyncio
from collections.abc import Awaitable, Callable
from secrets import token_hex

import pytest
from playwright.async_api import Request, Route, expect

from tests.browser.explorer import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_UNKNOWN_TOKEN = "sgw_not_a_token_of_this_gateway"


async def test_an_alias_of_a_built_in_secret_is_created_by_clicking(explorer: Explorer) -> None:
    key = f"BY_HAND_{token_hex(4).upper()}"
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("CreateAlias")
    await explorer.replace_key(by=key)

    await explorer.run()

    await expect(explorer.response).to_contain_text(f'"key": "{key}"')
    await expect(explorer.response).to_contain_text('"variableType": "ALIAS"')
    await expect(explorer.response).to_contain_text('"errors": []')


async def test_the_first_tab_shows_the_service_of_the_link(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()

    await explorer.run()

    await expect(explorer.response).to_contain_text('"effectiveSecrets"')
    await expect(explorer.response).not_to_contain_text('"errors"')


async def test_an_operation_runs_at_once_after_a_change_of_tabs(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("CreateAlias")

    await explorer.run()

    await expect(explorer.response).to_contain_text('"createSecretAlias"')


async def test_a_query_runs_from_the_keyboard_alone(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.token_field.focus()
    await explorer.page.keyboard.type(explorer.server.demo["token"])
    await explorer.page.keyboard.press("Enter")
    await expect(explorer.status).to_have_text("Connected")
    await explorer.page.get_by_role("region", name="Query Editor").get_by_role("textbox").focus()

    await explorer.page.keyboard.press("Control+Enter")

    await expect(explorer.response).to_contain_text('"effectiveSecrets"')


async def test_the_token_loads_the_schema(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()

    await explorer.press("Show Documentation Explorer")

    await expect(explorer.page.get_by_role("link", name="Query", exact=True)).to_be_visible()


async def test_the_documentation_begins_with_the_words_of_the_domain(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()

    await explorer.press("Show Documentation Explorer")

    await expect(explorer.page.get_by_text("the narrowest scope wins")).to_be_visible()


async def test_another_token_loads_the_schema_again(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()

    async with explorer.page.expect_request(_asks_for_the_schema):
        await explorer.enter_token(explorer.server.demo["token"])


def _asks_for_the_schema(request: Request) -> bool:
    return '"operationName":"IntrospectionQuery"' in (request.post_data or "")


async def test_another_token_keeps_what_was_typed(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("CreateAlias")
    await explorer.replace_key(by="TYPED_BEFORE")

    await explorer.enter_token(_UNKNOWN_TOKEN)
    await expect(explorer.status).to_have_text("The token was not accepted.")

    await expect(explorer.variables).to_contain_text('"TYPED_BEFORE"')


async def test_without_a_token_a_hint_is_shown_and_nothing_is_asked(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await expect(explorer.hint).to_contain_text("Enter an API token")
    await explorer.press("Re-fetch GraphQL schema")

    await explorer.run()

    await expect(explorer.response).to_contain_text("Enter an API token first")
    await expect(explorer.token_field).to_be_focused()
    assert explorer.witness.operations == []


async def test_no_editor_invites_to_type_the_token_as_a_header(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()

    await expect(explorer.page.get_by_role("button", name="Variables")).to_be_visible()
    await expect(explorer.page.get_by_role("button", name="Headers")).to_have_count(0)


async def test_a_token_hides_the_hint(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()

    await explorer.connect()

    await expect(explorer.hint).to_be_hidden()


async def test_a_wrong_token_is_refused_in_words_and_asked_for_again(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()

    await explorer.enter_token(_UNKNOWN_TOKEN)

    await expect(explorer.status).to_have_text("The token was not accepted.")
    await expect(explorer.hint).to_be_visible()
    assert len(explorer.witness.operations) == 1


async def test_a_late_refusal_does_not_drop_the_token_entered_since(explorer: Explorer) -> None:
    released = asyncio.Event()
    await explorer.page.route("**/graphql", _refusing_after(released), times=1)
    await explorer.open_on_the_demo()
    await explorer.enter_token(_UNKNOWN_TOKEN)
    await explorer.connect()

    async with explorer.page.expect_response(lambda answer: answer.status == 401):
        released.set()
    await explorer.run()

    await expect(explorer.response).to_contain_text('"effectiveSecrets"')
    await expect(explorer.status).to_have_text("Connected")


def _refusing_after(released: asyncio.Event) -> Callable[[Route], Awaitable[None]]:
    async def refuse(route: Route) -> None:
        await released.wait()
        await route.fulfill(status=401)

    return refuse


@pytest.mark.parametrize("entered", ["", "two words", "Zürich", "line\u2028break"])
async def test_what_no_header_can_carry_is_not_sent(explorer: Explorer, entered: str) -> None:
    await explorer.open_on_the_demo()

    await explorer.enter_token(entered)

    await expect(explorer.status).to_contain_text("A token is a single word")
    assert explorer.witness.operations == []


async def test_a_lost_gateway_is_reported_in_words(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.page.route("**/graphql", lambda route: route.abort())

    await explorer.run()

    await expect(explorer.status).to_have_text("The gateway could not be reached.")


async def test_an_answer_that_is_not_graphql_is_reported_in_words(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.page.route("**/graphql", lambda route: route.fulfill(status=502, body="<html>"))

    await explorer.run()

    await expect(explorer.status).to_have_text("The gateway answered 502 without a GraphQL result.")
