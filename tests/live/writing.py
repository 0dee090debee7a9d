"""Writing to a server that somebody listens to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from tests.faces import GraphQLFace


def new_key() -> str:
    """Return a key that nothing has."""
    return f"NEWS_{new_id()[:8].upper()}"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes as the demo's administrator."""

    face: GraphQLFace
    demo: Mapping[str, str]

    @property
    def job(self) -> Mapping[str, str]:
        """The demo's job, as an argument names it."""
        return {"jobId": self.demo["job_id"]}

    def holder(self, scope: Scope) -> str:
        """Return the demo's holder of a kind."""
        return self.demo[f"{scope.lower()}_id"]

    async def create(self, key: str, *, at: Scope = Scope.JOB, **fields: Any) -> str:
        """Create a secret, and return its id."""
        made = await self.face.create(at, self.holder(at), key=key, **fields)
        assert made.code is None, made
        return str(made.row["id"])

    async def alias(self, target_id: str, key: str, *, at: Scope = Scope.JOB) -> str:
        """Create an alias, and return its id."""
        made = await self.face.alias(at, self.holder(at), target_id, key=key)
        assert made.code is None, made
        return str(made.row["id"])

    async def override(self, target_id: str, *, at: Scope = Scope.JOB) -> str:
        """Create an override, and return its id."""
        made = await self.face.override(at, self.holder(at), target_id, value="another")
        assert made.code is None, made
        return str(made.row["id"])

    async def edit(self, secret_id: str, key: str, *, at: Scope = Scope.JOB, **fields: Any) -> None:
        """Edit a secret."""
        made = await self.face.edit(at, self.holder(at), secret_id, key=key, **fields)
        assert made.code is None, made

    async def delete(self, secret_id: str, *, at: Scope = Scope.JOB) -> None:
        """Delete a secret."""
        made = await self.face.delete(at, self.holder(at), secret_id)
        assert made.code is None, made

    async def cursor(self) -> str:
        """Return where the log of changes stands."""
        answer = await self.face.ask("{ changeCursor }", {})
        return str(answer["changeCursor"])

    async def since(self, holder: Mapping[str, str], *, wide: bool = False) -> Mapping[str, Any]:
        """Return the variables to listen to a holder with, from this moment on.

        Without a cursor, when exactly the server begins to listen is not told.
        """
        return {"holder": holder, "wide": wide, "after": await self.cursor()}

    async def token(self, role: str, on: Mapping[str, str] | None = None) -> tuple[str, str, str]:
        """Make a token with a role at a place; return its id, its text, and its grant's id."""
        answer = await self.face.ask(
            """mutation ($role: Role!, $on: SecretHolderRef) {
                made: createApiToken(name: "listener", role: $role, holder: $on) {
                    token apiToken { id } grant { id } errors { message } } }""",
            {"role": role, "on": on},
        )
        made = answer["made"]
        assert not made["errors"], made
        return made["apiToken"]["id"], made["token"], made["grant"]["id"]

    async def revoke(self, token_id: str) -> None:
        """Revoke a token."""
        answer = await self.face.ask(
            "mutation ($id: ID!) { made: revokeApiToken(tokenId: $id) { errors { message } } }",
            {"id": token_id},
        )
        assert answer["made"] == {"errors": []}

    async def end(self, token_id: str, at: datetime) -> None:
        """Bring the end of a token forward."""
        answer = await self.face.ask(
            "mutation ($id: ID!, $at: DateTime!) { made: endApiToken(tokenId: $id, at: $at) {"
            " errors { message } } }",
            {"id": token_id, "at": at.isoformat()},
        )
        assert answer["made"] == {"errors": []}

    async def take_away(self, grant_id: str) -> None:
        """Take a grant away."""
        answer = await self.face.ask(
            "mutation ($id: ID!) { made: revokeRole(grantId: $id) { errors { message } } }",
            {"id": grant_id},
        )
        assert answer["made"] == {"errors": []}
