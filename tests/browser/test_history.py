"""GraphiQL's history holds what was run, without the variables it was run with."""

from typing import Final

import pytest
from playwright.async_api import expect

from gateway.pages.assets import BUILT_FOLDER
from tests.browser.explorer import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# GraphiQL's own script, before the build takes the variables out of its history.
_RELEASED: Final = BUILT_FOLDER.parent / "node_modules/graphiql/graphiql.min.js"


@pytest.fixture
def explorer(lone_explorer: Explorer) -> Explorer:
    """A page of its own context, whose clock a test sets."""
    return lone_explorer


async def _run_twice_and_go_back(explorer: Explorer) -> None:
    """Run with one key, type another, and choose the first run in the history."""
    await explorer.page.clock.install()
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("CreateAlias")
    await explorer.replace_key(by="MY_FIRST_VALUE")
    # GraphiQL takes note of what is typed a little later.
    await explorer.page.clock.run_for(1_000)
    await explorer.run()
    await expect(explorer.response).to_contain_text("createSecretAlias")
    await explorer.replace_key(by="MY_OTHER_VALUE")
    await explorer.press("Show History")
    await explorer.page.get_by_role("button", name="Set active").first.click()


async def test_an_entry_of_the_history_brings_no_variables_back(explorer: Explorer) -> None:
    await _run_twice_and_go_back(explorer)

    await expect(explorer.editor).to_contain_text("CreateAlias")
    await expect(explorer.variables).to_contain_text("MY_OTHER_VALUE")


async def test_control_graphiql_left_alone_brings_them_back(explorer: Explorer) -> None:
    await explorer.page.route("**/graphiql.min.js", lambda route: route.fulfill(path=_RELEASED))

    await _run_twice_and_go_back(explorer)

    await expect(explorer.variables).to_contain_text("MY_FIRST_VALUE")
