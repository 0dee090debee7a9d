"""Clients name a trusted document by its id; what they send besides changes nothing for others."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.graphql.trusted_documents import read_manifest
from tests.trusted.conftest import MANIFESTS, id_in
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

Naming = Callable[[str], Mapping[str, Any]]
# As the clients there are name a document.
NAMINGS: Final[Mapping[str, Naming]] = {
    "GraphQL over HTTP, urql": lambda name: {"documentId": name},
    "Relay's id": lambda name: {"id": name},
    "Relay's doc_id": lambda name: {"doc_id": name},
    "with a null beside": lambda name: {"query": None, "documentId": name},
    "Apollo, urql's exchange": lambda name: {
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}
    },
}
EVERY_NAMING = pytest.mark.parametrize("naming", NAMINGS.values(), ids=NAMINGS.keys())
EVERY_MANIFEST = pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS.keys())
UNKNOWN: Final = sha256(b"{ __typename }").hexdigest()
TEXT: Final = "{ __typename }"


async def _sent(world: World, **body: Any) -> httpx.Response:
    return await world.client.post("/graphql", json=body)


def _code(response: httpx.Response) -> str:
    (error,) = response.json()["errors"]
    return str(error["extensions"]["code"])


async def test_there_is_a_manifest_of_each_tool() -> None:
    assert set(MANIFESTS) == {"apollo", "graphql-codegen", "graphql-codegen-sha1", "relay"}


@EVERY_NAMING
@EVERY_MANIFEST
async def test_a_trusted_query_runs_by_its_id(closed: World, manifest: Any, naming: Naming) -> None:
    named = naming(id_in(manifest, of="projects("))

    answer = await _sent(closed, **named, variables={"first": 1})

    (edge,) = answer.json()["data"]["projects"]["edges"]
    assert edge["node"]["id"] in {closed.demo.project_id, closed.demo.other_project_id}


@EVERY_MANIFEST
async def test_a_trusted_mutation_runs_by_its_id(closed: World, manifest: Any) -> None:
    demo = closed.demo
    given = {"jobId": demo.job_id, "secretId": demo.built_in_secret_id}
    key = f"ALIAS_{manifest.stem.replace('-', '_').upper()}"

    answer = await _sent(
        closed,
        documentId=id_in(manifest, of="createJobSecretAlias"),
        variables=given | {"key": key},
    )

    assert answer.json()["data"]["createJobSecretAlias"]["secret"]["key"] == key


@pytest.mark.parametrize("prefix", ["", "sha256:"])
@EVERY_MANIFEST
async def test_a_trusted_document_is_also_named_by_its_hash(
    closed: World, manifest: Any, prefix: str
) -> None:
    """Whatever the manifest calls it: as GraphQL over HTTP describes, and as Apollo does."""
    text = read_manifest(manifest)[id_in(manifest, of="projects(")]

    answer = await _sent(
        closed,
        documentId=f"{prefix}{sha256(text.encode()).hexdigest()}",
        variables={"first": 1},
    )

    assert "errors" not in answer.json()


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@EVERY_NAMING
async def test_an_unknown_id_is_reported_as_clients_of_persisted_queries_expect(
    trusting: World, naming: Naming, accept: str
) -> None:
    answer = await trusting.client.post(
        "/graphql", json=naming(UNKNOWN), headers={"Accept": accept}
    )

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.headers["content-type"].startswith(accept)
    assert answer.json() == {
        "errors": [
            {
                "message": "PersistedQueryNotFound",
                "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
            }
        ]
    }


@pytest.mark.asyncio(loop_scope="function")
async def test_without_a_manifest_clients_are_reported_to_send_texts(world: World) -> None:
    answer = await _sent(
        world, extensions={"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}
    )

    assert answer.json()["errors"] == [
        {
            "message": "PersistedQueryNotSupported",
            "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"},
        }
    ]


async def test_a_text_with_its_hash_registers_nothing(trusting: World) -> None:
    """The text is run, because texts are; the hash is as unknown as before."""
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}}

    run = await _sent(trusting, query=TEXT, **named)
    again = await _sent(trusting, **named)

    assert run.json()["data"] == {"__typename": "Query"}
    assert _code(again) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_text_beside_a_known_id_is_what_runs(trusting: World) -> None:
    known = id_in(MANIFESTS["relay"], of="projects(")

    run = await _sent(trusting, query=TEXT, documentId=known)
    afterwards = await _sent(trusting, documentId=known, variables={"first": 1})

    assert run.json()["data"] == {"__typename": "Query"}
    assert set(afterwards.json()["data"]) == {"projects"}


NO_NAMES = {
    "a number": {"documentId": 1},
    "an array": {"id": ["x"]},
    "an object": {"doc_id": {}},
    "a hash that is a number": {"extensions": {"persistedQuery": {"sha256Hash": 1}}},
    "two ids": {"documentId": "x", "id": "y"},
    "an id and another hash": {
        "documentId": "x",
        "extensions": {"persistedQuery": {"sha256Hash": "y"}},
    },
}
NO_DOCUMENT = {
    "nulls": {"query": None, "documentId": None, "id": None},
    "a text for the extension": {"extensions": {"persistedQuery": UNKNOWN}},
    "an extension without a hash": {"extensions": {"persistedQuery": {"version": 1}}},
    "extensions as a text": {"extensions": UNKNOWN},
}


@pytest.mark.rule("C8")
@pytest.mark.parametrize("body", NO_NAMES.values(), ids=NO_NAMES.keys())
async def test_what_names_no_one_document_is_refused(
    trusting: World, body: Mapping[str, Any]
) -> None:
    refused = await _sent(trusting, **body)

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert refused.json()["errors"][0]["message"] == (
        "The body must name one document with a string."
    )


@pytest.mark.rule("C8")
@pytest.mark.parametrize("body", NO_DOCUMENT.values(), ids=NO_DOCUMENT.keys())
async def test_what_names_nothing_lacks_a_document(
    trusting: World, body: Mapping[str, Any]
) -> None:
    refused = await _sent(trusting, **body)

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert _code(refused) == "BAD_USER_INPUT"


@pytest.mark.rule("C8")
@pytest.mark.parametrize("odd", ["", "\ud800", "é" * 1_000, "__proto__", "../../etc/passwd"])
async def test_an_odd_id_is_an_unknown_one(trusting: World, odd: str) -> None:
    response = await trusting.client.post(
        "/graphql",
        content=json.dumps({"documentId": odd}),
        headers={"Content-Type": "application/json"},
    )

    assert _code(response) == "PERSISTED_QUERY_NOT_FOUND"


async def test_two_equal_ids_name_one_document(trusting: World) -> None:
    known = id_in(MANIFESTS["relay"], of="projects(")

    answer = await _sent(trusting, id=known, doc_id=known, variables={"first": 1})

    assert "errors" not in answer.json()


REFUSED = {
    "a text": {"query": TEXT},
    "a text that is a trusted one": {
        "query": next(iter(read_manifest(MANIFESTS["relay"]).values()))
    },
    "a text beside a known id": {
        "query": TEXT,
        "documentId": id_in(MANIFESTS["relay"], of="projects("),
    },
    "an empty text": {"query": ""},
    "the introspection": {"query": "{ __schema { types { name } } }"},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
async def test_where_only_trusted_documents_run_no_text_does(
    closed: World, body: Mapping[str, Any]
) -> None:
    refused = await _sent(closed, **body, variables={"first": 1})

    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert _code(refused) == "DOCUMENT_NOT_TRUSTED"


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
async def test_elsewhere_the_same_texts_are_read(trusting: World, body: Mapping[str, Any]) -> None:
    """The control of the test above."""
    answer = await _sent(trusting, **body, variables={"first": 1})

    assert "DOCUMENT_NOT_TRUSTED" not in answer.text


async def test_the_rest_paths_go_on_where_only_trusted_documents_run(closed: World) -> None:
    made = await closed.rest.create(Scope.JOB, closed.demo.job_id, key="OVER_REST", value="v")

    assert made.status == HTTPStatus.CREATED


async def test_there_is_no_page_to_explore_with_where_only_trusted_documents_run(
    closed: World,
) -> None:
    assert (await closed.client.get("/graphiql")).status_code == HTTPStatus.NOT_FOUND


async def test_an_id_is_no_permission(closed: World) -> None:
    demo = closed.demo
    principal = await closed.client_with(Role.VIEWER)

    refused = await principal.post(
        "/graphql",
        json={
            "documentId": id_in(MANIFESTS["relay"], of="createJobSecretAlias"),
            "variables": {
                "jobId": demo.job_id,
                "secretId": demo.built_in_secret_id,
                "key": "NOT_FOR_VIEWERS",
            },
        },
    )

    assert _code(refused) == "FORBIDDEN"


@pytest.mark.rule("S1")
async def test_an_id_is_no_credential(closed: World) -> None:
    async with closed.client_for("nobody") as stranger:
        refused = await stranger.post(
            "/graphql", json={"documentId": id_in(MANIFESTS["relay"], of="projects(")}
        )

    assert refused.status_code == HTTPStatus.UNAUTHORIZED
