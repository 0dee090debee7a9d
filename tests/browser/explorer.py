"""The GraphiQL page as a person uses it: what they enter, press and read."""

from dataclasses import dataclass
from urllib.parse import urlencode

from playwright.async_api import Locator, Page, expect

from tests.browser.witness import Witness
from tests.servers import LiveServer


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
    def variables(self) -> Locator:
        return self.page.get_by_role("region", name="Variables")

    @property
    def response(self) -> Locator:
        return self.page.get_by_role("region", name="Result Window")

    async def open(self, **ids: str) -> None:
        """Open the page; ids go into its URL, as in a link from the documentation."""
        await self.page.goto(f"{self.server.url}/graphiql?{urlencode(ids)}")
        await expect(self.page.get_by_role("tab", name="ShowJob")).to_be_visible()

    async def open_on_the_demo(self) -> None:
        demo = self.server.demo
        await self.open(jobId=demo["job_id"], secretId=demo["built_in_secret_id"])

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

    async def replace_variable(self, word: str, by: str) -> None:
        """Select a word in the variables by a double click, and type another."""
        await self.variables.get_by_text(word).dblclick()
        await self.page.keyboard.type(by)
        await expect(self.variables).to_contain_text(f'"{by}"')

    async def run(self) -> None:
        await self.press("Execute query")
