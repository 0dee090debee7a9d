"""The map as a person uses it: what they enter, press and read."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.async_api import Locator, Page, Request, expect

from tests.browser.witness import Witness
from tests.servers import LiveServer


@dataclass(frozen=True, slots=True)
class MapPage:
    """One browser page on /map, and the witness of what it does."""

    page: Page
    witness: Witness
    server: LiveServer

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def drawing(self) -> Locator:
        return self.page.locator("svg.picture")

    @property
    def services(self) -> Locator:
        """The services that are offered."""
        return self.page.get_by_role("list").get_by_role("link")

    @property
    def drawings(self) -> list[Request]:
        """Requests for a drawing."""
        asked = self.witness.requests
        return [item for item in asked if urlsplit(item.url).path.endswith("/drawing.svg")]

    def row(self, beginning: str) -> Locator:
        """Return the rows whose story begins like this."""
        return self.page.locator(
            "svg a", has=self.page.locator(f"title:text-matches('^{beginning}')")
        )

    async def open(self, service_id: str | None = None, search: str = "") -> None:
        address = f"{self.server.url}/map/{service_id or self.server.demo['job_id']}{search}"
        await self.page.goto(address)
        await expect(self.page.locator("#hint")).to_contain_text("Enter an API token")

    async def enter_token(self, token: str | None = None) -> None:
        await self.page.get_by_label("API token").fill(token or self.server.demo["token"])
        await self.page.get_by_role("button", name="Use token").click()

    async def offer_services(self) -> None:
        """Open the map without a service, and enter a token."""
        await self.page.goto(f"{self.server.url}/map")
        await self.enter_token()
        await expect(self.page.locator("#found")).to_have_text("8 of 8")

    async def search(self, words: str) -> None:
        await self.page.get_by_role("searchbox").fill(words)

    async def open_and_draw(self) -> None:
        await self.open()
        await self.enter_token()
        await expect(self.status).to_have_text("Drawn")
