"""Sees, from outside the page, what the page does: its requests, and what the policy refused."""

import re
from typing import Final
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, Route, WebError

_REPORT_VIOLATIONS: Final = """
addEventListener("securitypolicyviolation", (event) => {
  reportViolation(`${event.effectiveDirective} refused ${event.blockedURI}`);
});
"""


class Witness:
    """What one browser context did, in the order in which it happened."""

    def __init__(self, home: str) -> None:
        self._home = urlsplit(home).netloc
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.warnings: list[str] = []
        self.mistakes: list[str] = []

    async def watch(self, context: BrowserContext) -> None:
        """Begin to listen, before the context's first page."""
        context.on("request", self._note_request)
        context.on("console", self._note_warning)
        context.on("weberror", self._note_mistake)
        await context.expose_function("reportViolation", self._note_violation)
        await context.add_init_script(_REPORT_VIOLATIONS)

    async def refuse_elsewhere(self, context: BrowserContext) -> None:
        """Let no request reach the network. The browser then keeps no answer for later."""
        await context.route(self._is_elsewhere, _abort)

    def forget(self) -> None:
        """Begin again with nothing seen."""
        for seen in (self.requests, self.violations, self.warnings, self.mistakes):
            seen.clear()

    @property
    def operations(self) -> list[Request]:
        """Requests to the GraphQL endpoint."""
        return [request for request in self.requests if urlsplit(request.url).path == "/graphql"]

    @property
    def elsewhere(self) -> list[str]:
        """Addresses of requests to any other host."""
        return [request.url for request in self.requests if self._is_elsewhere(request.url)]

    def _is_elsewhere(self, url: str) -> bool:
        address = urlsplit(url)
        return address.scheme not in {"about", "data"} and address.netloc != self._home

    # Playwright marks its listeners, which a built-in method such as `list.append` does not allow.

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def _note_violation(self, violation: str) -> None:
        self.violations.append(violation)

    def _note_warning(self, message: ConsoleMessage) -> None:
        if re.search("content security policy", message.text, re.IGNORECASE):
            self.warnings.append(message.text)

    def _note_mistake(self, error: WebError) -> None:
        self.mistakes.append(str(error.error))


async def _abort(route: Route) -> None:
    await route.abort()
