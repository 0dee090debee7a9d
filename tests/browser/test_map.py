"""The map as a person uses it: a token, a drawing, folds that open, rows that lead to GraphiQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.async_api import Route, expect

from gateway.services.demo import Demo
from tests.browser.explorer import Explorer
from tests.browser.map_page import MapPage
from tests.browser.test_token_stays_in_memory import places_with
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Each does what the policy has to refuse, and tells what came of it once that has happened.
_TRY_INLINE_SCRIPT: Final = """() => new Promise((done) => {
  addEventListener("securitypolicyviolation", () => done(window.ran ?? false), { once: true });
  document.body.append(
    Object.assign(document.createElement("script"), { textContent: "window.ran = true" }),
  );
})"""
_TRY_INLINE_STYLE: Final = """() => new Promise((done) => {
  const box = document.querySelector("svg .box");
  const refused = () => done(getComputedStyle(box).fill);
  addEventListener("securitypolicyviolation", refused, { once: true });
  box.setAttribute("style", "fill: rgb(1, 2, 3)");
})"""


@pytest.fixture(scope="module")
def live_server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server of these tests' own: what they import would be what the tour is about."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("map") / "data")
    with serving(Path(folder), template[1]) as server:
        yield server


def _import(server: LiveServer, keys: list[str]) -> None:
    """Give the other job of the demo these keys."""
    answer = httpx.post(
        f"{server.url}/graphql",
        headers={"Authorization": f"Bearer {server.demo['token']}"},
        json={
            "query": "mutation ($holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!) { "
            "importSecrets(holder: $holder, secrets: $secrets, overwrite: false) "
            "{ errors { message } } }",
            "variables": {
                "holder": {"jobId": server.demo["other_job_id"]},
                "secrets": [{"key": key, "scope": "JOB"} for key in keys],
            },
        },
        timeout=PATIENCE,
    )
    assert answer.json()["data"]["importSecrets"]["errors"] == []


async def test_the_token_brings_the_drawing(map_page: MapPage) -> None:
    await map_page.open()
    assert map_page.drawings == []

    await map_page.enter_token()

    await expect(map_page.drawing).to_be_visible()
    await expect(map_page.page).to_have_title(
        "What the job nightly-invoices sees · Secrets Gateway"
    )
    await expect(map_page.drawing).to_contain_text("INVOICE_SIGNING_KEY")
    await expect(map_page.page.locator("#hint")).to_be_hidden()


@pytest.mark.rule("S31")
async def test_nothing_is_asked_elsewhere_and_the_policy_refuses_nothing(
    map_page: MapPage,
) -> None:
    await map_page.open_and_draw()
    await map_page.page.emulate_media(color_scheme="dark")
    await map_page.page.reload()
    await map_page.enter_token()
    await expect(map_page.status).to_have_text("Drawn")

    assert map_page.witness.elsewhere == []
    assert map_page.witness.violations == []
    assert map_page.witness.warnings == []
    assert map_page.witness.mistakes == []


@pytest.mark.rule("S31")
async def test_control_the_policy_refuses_inline_scripts_and_styles(map_page: MapPage) -> None:
    """What a hostile name would have to bring."""
    await map_page.open_and_draw()

    ran = await map_page.page.evaluate(_TRY_INLINE_SCRIPT)
    fill = await map_page.page.evaluate(_TRY_INLINE_STYLE)

    assert not ran
    assert fill != "rgb(1, 2, 3)"
    assert len(map_page.witness.violations) == 2


async def test_a_row_leads_to_graphiql_with_its_ids(map_page: MapPage) -> None:
    await map_page.open_and_draw()

    async with map_page.page.context.expect_page() as opened:
        await map_page.row("QOVERY_").click()

    address = urlsplit((await opened.value).url)
    demo = map_page.server.demo
    assert address.path == "/graphiql"
    assert parse_qs(address.query) == {
        "serviceId": [demo["job_id"]],
        "jobId": [demo["job_id"]],
        "secretId": [demo["built_in_secret_id"]],
        "key": ["QOVERY_POSTGRESQL_ZF83A_PASSWORD"],
    }


async def test_graphiql_takes_the_ids_of_the_row(map_page: MapPage) -> None:
    await map_page.open_and_draw()

    async with map_page.page.context.expect_page() as opened:
        await map_page.row("INVOICE_SIGNING_KEY").click()

    variables = (await opened.value).get_by_role("region", name="Variables")
    await expect(variables).to_contain_text(map_page.server.demo["job_id"])


async def test_rows_are_reached_and_followed_by_keyboard(map_page: MapPage) -> None:
    await map_page.open_and_draw()
    await map_page.page.get_by_text("Choose a service").focus()

    await map_page.page.keyboard.press("Tab")

    focused = map_page.page.locator("a:focus")
    await expect(focused.locator("title")).to_contain_text("The service gets it.")
    async with map_page.page.context.expect_page() as opened:
        await map_page.page.keyboard.press("Enter")
    assert urlsplit((await opened.value).url).path == "/graphiql"


async def test_a_fold_opens_in_place_and_closes_again(map_page: MapPage) -> None:
    beginning = f"F{token_hex(3).upper()}"
    _import(map_page.server, [f"{beginning}_{number}" for number in range(20)])
    await map_page.open(map_page.server.demo["other_job_id"])
    await map_page.enter_token()
    await expect(map_page.drawing).not_to_contain_text(f"{beginning}_7")

    await map_page.row(f"{beginning}_…").click()
    await expect(map_page.drawing).to_contain_text(f"{beginning}_7")
    await map_page.page.go_back()
    await expect(map_page.drawing).not_to_contain_text(f"{beginning}_7")
    await map_page.page.go_forward()
    await expect(map_page.drawing).to_contain_text(f"{beginning}_7")
    await map_page.page.get_by_role("button", name="Fold all").click()

    await expect(map_page.drawing).not_to_contain_text(f"{beginning}_7")
    await expect(map_page.page.get_by_role("button", name="Fold all")).to_be_hidden()


async def test_a_link_to_an_open_fold_opens_it(map_page: MapPage) -> None:
    beginning = f"L{token_hex(3).upper()}"
    _import(map_page.server, [f"{beginning}_{number}" for number in range(20)])

    await map_page.open(map_page.server.demo["other_job_id"], f"?unfold=JOB:{beginning}_")
    await map_page.enter_token()

    await expect(map_page.drawing).to_contain_text(f"{beginning}_7")


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("sgw_not_a_token_of_this_gateway", "The token was not accepted."),
        ("two words", "A token is a single word"),
    ],
)
async def test_a_token_that_is_none_is_refused_in_words(
    map_page: MapPage, token: str, words: str
) -> None:
    await map_page.open()

    await map_page.enter_token(token)

    await expect(map_page.status).to_contain_text(words)
    await expect(map_page.drawing).to_have_count(0)


async def test_a_service_that_is_not_there_is_reported_in_words(map_page: MapPage) -> None:
    await map_page.open(map_page.server.demo["organization_id"])

    await map_page.enter_token()

    await expect(map_page.status).to_have_text("There is no such service for this token.")


async def test_a_lost_gateway_is_reported_in_words(map_page: MapPage) -> None:
    await map_page.open()
    await map_page.page.route("**/drawing.svg", lambda route: route.abort())

    await map_page.enter_token()

    await expect(map_page.status).to_have_text("The gateway could not be reached.")


async def test_an_answer_that_is_no_drawing_is_reported_in_words(map_page: MapPage) -> None:
    await map_page.open()
    await map_page.page.route("**/drawing.svg", _something_else)

    await map_page.enter_token()

    await expect(map_page.status).to_have_text("The gateway's response is not a drawing.")


async def _something_else(route: Route) -> None:
    await route.fulfill(status=200, body="<html></html>")


@pytest.mark.rule("S33")
async def test_the_token_is_nowhere_to_be_read_and_travels_in_one_header(
    lone_explorer: Explorer,
) -> None:
    map_page = MapPage(lone_explorer.page, lone_explorer.witness, lone_explorer.server)
    await map_page.page.clock.install()
    await map_page.open_and_draw()

    token = map_page.server.demo["token"]
    assert await places_with(map_page.page, token) == []
    for request in map_page.drawings:
        headers = await request.all_headers()
        assert [name for name, text in headers.items() if token in text] == ["authorization"]


async def test_the_token_and_the_drawing_are_gone_after_a_reload(map_page: MapPage) -> None:
    await map_page.open_and_draw()

    await map_page.page.reload()

    await expect(map_page.page.locator("#hint")).to_be_visible()
    await expect(map_page.drawing).to_have_count(0)


async def test_a_page_that_the_browser_keeps_keeps_neither(map_page: MapPage) -> None:
    await map_page.open_and_draw()

    # What a browser says to a page that it freezes for its back button.
    await map_page.page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))",
    )

    await expect(map_page.status).to_have_text("No token yet")
    await expect(map_page.drawing).to_have_count(0)
