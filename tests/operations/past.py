"""Asking the gateway what secrets were, and for them to come back."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.faces import GraphQLFace
from tests.world import World

Json = Mapping[str, Any]

_VERSION = """version key variableType mountPath description isNewValue isValueKept at endedAt
    endedHow face by { ... on ApiToken { name } }"""
_PAGE = f"""totalCount nodes {{ {_VERSION} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}"""
_WINDOW = "(first: $first, after: $after, last: $last, before: $before)"
_VERSIONS = f"""query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{
    secret(id: $id) {{ versions{_WINDOW} {{ {_PAGE} }} }}
    deletedSecret(id: $id) {{ versions{_WINDOW} {{ {_PAGE} }} }} }}"""
_DELETED = """query ($id: ID!) { node(id: $id) { ... on SecretHolder { deletedSecrets {
    totalCount nodes { id key scope variableType version deletedAt isValueKept
        deletedBy { ... on ApiToken { name } } holder { id } } } } } }"""
_ERRORS = """errors { code message path __typename
    ... on SecretKeyConflictError { existing { id } } ... on NotFoundError { missingId } }"""
_ROLLBACK = f"""mutation ($id: ID!, $to: Int!, $expected: Int, $key: String, $dry: Boolean,
        $update: Boolean) {{
    payload: rollbackSecret(secretId: $id, toVersion: $to, expectedVersion: $expected,
        idempotencyKey: $key, dryRun: $dry, updateReferences: $update) {{
        secret {{ id key description version updatedAt }} {_ERRORS} warnings {{ code }} }} }}"""
_RESTORE = f"""mutation ($id: ID!, $expected: Int, $key: String, $dry: Boolean) {{
    payload: restoreSecret(secretId: $id, expectedVersion: $expected, idempotencyKey: $key,
        dryRun: $dry) {{
        secret {{ id key version createdAt }} alsoRestored {{ id key version }} holder {{ id }}
        {_ERRORS} warnings {{ code message path }} }} }}"""
_PURGE_SECRET = f"""mutation ($id: ID!, $dry: Boolean) {{
    payload: purgeSecretVersions(secretId: $id, dryRun: $dry) {{
        purgedCount holder {{ id }} {_ERRORS} }} }}"""
_PURGE_HOLDER = f"""mutation ($holder: SecretHolderRef!) {{
    payload: purgeHolderVersions(holder: $holder) {{ purgedCount holder {{ id }} {_ERRORS} }} }}"""


async def page_of_versions(face: GraphQLFace, secret_id: str, **chosen: Any) -> Json:
    """Return a page of a secret's versions, whether it is deleted or not."""
    answer = await face.ask(_VERSIONS, {"id": secret_id, **chosen})
    page: Json = (answer["secret"] or answer["deletedSecret"])["versions"]
    return page


async def versions_of(face: GraphQLFace, secret_id: str) -> Sequence[Json]:
    """Return the first 50 versions of a secret, the newest first."""
    nodes: Sequence[Json] = (await page_of_versions(face, secret_id))["nodes"]
    return nodes


async def deleted_at(face: GraphQLFace, holder_id: str) -> Sequence[Json]:
    """Return a holder's deleted secrets, the last deleted first."""
    answer = await face.ask(_DELETED, {"id": holder_id})
    nodes: Sequence[Json] = answer["node"]["deletedSecrets"]["nodes"]
    return nodes


async def roll_back(face: GraphQLFace, secret_id: str, to_version: int, **chosen: Any) -> Json:
    """Return the payload of a rollback."""
    return await _payload(face, _ROLLBACK, {"id": secret_id, "to": to_version, **chosen})


async def restore(face: GraphQLFace, secret_id: str, **chosen: Any) -> Json:
    """Return the payload of a restoration."""
    return await _payload(face, _RESTORE, {"id": secret_id, **chosen})


async def purge(face: GraphQLFace, secret_id: str, **chosen: Any) -> Json:
    """Return the payload of a purge of one secret."""
    return await _payload(face, _PURGE_SECRET, {"id": secret_id, **chosen})


async def purge_at(face: GraphQLFace, **holder: str) -> Json:
    """Return the payload of a purge at a holder and below it."""
    return await _payload(face, _PURGE_HOLDER, {"holder": holder})


async def _payload(face: GraphQLFace, document: str, variables: Json) -> Json:
    payload: Json = (await face.ask(document, variables))["payload"]
    return payload


def codes(payload: Json) -> Sequence[str]:
    """Return the codes of a payload's errors."""
    return [error["code"] for error in payload["errors"]]


async def events_of_secret(world: World, secret_id: str) -> Sequence[Json]:
    """Return the events of the audit log about a secret, oldest first."""
    return [
        event
        async for event in world.runtime.operator.audit.exported()
        if event["subject_id"] == secret_id
    ]
