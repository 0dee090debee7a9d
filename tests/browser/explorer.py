"""The GraphiQL page as a person uses it: what they enter, press and read."""

import re
from dataclasses import dataclass
from http.client import CREATED
from secrets import token_hex
from typing import Final
from urllib.parse import urlencode

from playwright.async_api import Locator, Page, expect

from tests.browser.witness import Witness
from tests.patience import PATIENCE
from tests.servers import LiveServer

# The tour's tabs by their names, and what each shows when it has run on the demo.
STEPS: Final = {
    "WhatItSees": '"effectiveSecrets"',
    "CreateAlias": '"variableType": "ALIAS"',
    "WhatWouldBreak": '"impact"',
    "TryDeletion": '"deletedSecretIds"',
    "WatchChanges": '"newestFirst"',
}


@dataclass(frozen=True, slots=True)
class Explorer:
    """One browser page on /graphiql, and the witness of what it does."""

    page: Page
    witness: Witness
    server: LiveServer

    @property
    def hint(self) -> Locator:
        return self.page.locator("#hint")

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def token_field(self) -> Locator:
        return self.page.get_by_label("API token")

    @property
    def about(self) -> Locator:
        return self.page.locator("#about")

    @property
    def tour(self) -> Locator:
        return self.page.get_by_role("navigation", name="Tour")

    @property
    def editor(self) -> Locator:
        return self.page.get_by_role("region", name="Query Editor")

    @property
    def variables(self) -> Locator:
        return self.page.get_by_role("region", name="Variables")

    @property
    def response(self) -> Locator:
        return self.page.get_by_role("region", name="Result Window")

    async def open(self, **ids: str) -> None:
        """Open the page; ids go into its URL, as in a link from the documentation."""
        await self.page.goto(f"{self.server.url}/graphiql?{urlencode(ids)}")
        await expect(self.page.get_by_role("tab", name="WhatItSees")).to_be_visible()

    async def open_on_the_demo(self) -> None:
        demo = self.server.demo
        await self.open(serviceId=demo["job_id"])

    async def enter_token(self, token: str) -> None:
        await self.token_field.fill(token)
        await self.press("Use token")

    async def connect(self) -> None:
        """Enter the demonstration's token, and wait until the schema is there."""
        await self.enter_token(self.server.demo["token"])
        await expect(self.status).to_have_text("Connected")

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name).click()

    async def choose_tab(self, name: str) -> None:
        await self.page.get_by_role("tab", name=name).click()

    async def replace_key(self, by: str) -> None:
        """Select the new alias's key in the variables by a double click, and type another."""
        await self.variables.get_by_text(re.compile('^"MY_')).dblclick()
        await self.page.keyboard.type(by)
        await expect(self.variables).to_contain_text(f'"{by}"')

    async def take_the_tour(self) -> None:
        """Run each step as it stands."""
        for name, shown in STEPS.items():
            await self.choose_tab(name)
            await self.run()
            await expect(self.response).to_contain_text(shown)
            await expect(self.response).not_to_contain_text('"code"')

    async def create_alias(self) -> str:
        """Give the job one more alias, as another client would; return its key."""
        key = f"ELSEWHERE_{token_hex(4).upper()}"
        demo = self.server.demo
        answer = await self.page.request.post(
            f"{self.server.url}/job/{demo['job_id']}/secret/{demo['built_in_secret_id']}/alias",
            headers={"Authorization": f"Token {demo['token']}"},
            data={"key": key},
            timeout=PATIENCE * 1_000,
        )
        assert answer.status == CREATED, await answer.text()
        return key

    async def run(self) -> None:
        await self.press("Execute query")
