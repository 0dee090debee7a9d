"""Generated requests on every REST path: no fault, and nothing that the document does not say.

`FUZZ_EXAMPLES=500 FUZZ_SEED=7` make a longer and another run.
"""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis

from gateway.domain.scopes import HOLDER_SCOPES, Scope
from gateway.rest.openapi.document import openapi_document
from gateway.rest.table import OPERATIONS
from gateway.services.demo import Demo
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving

AnyCase = schemathesis.Case[Any]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))

OFF = {"enabled": False}

_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile("[A-Za-z][A-Za-z0-9_]{0,254}")
# Two fields of a body or a query that name a holder together.
_HOLDER_FIELDS = {
    "variable_scope": "variable_parent_id",
    "alias_scope": "alias_parent_id",
    "override_scope": "override_parent_id",
    "scope": "parent_id",
    "service_type": "service_id",
}
# Which ids meet in a request depends on the demo's, which are random; and nothing that a project
# sees can be overridden by it. So not every path has to get through in every run.
_MAX_WITHOUT_SUCCESS = len(OPERATIONS) // 10


def config(*, examples: int = EXAMPLES, **more: Any) -> schemathesis.Config:
    """Return what generates the same requests in each run."""
    settings = {
        "seed": SEED,
        "generation": {
            "max-examples": examples,
            "database": "none",
            # The demo's token is the only credential; others are tested apart.
            "with-security-parameters": False,
        },
        "phases": {"stateful": OFF},
        # The largest import writes a thousand rows.
        "request-timeout": PATIENCE,
    }
    return schemathesis.Config.from_dict(settings | more)


REST = schemathesis.openapi.from_dict(
    openapi_document(),
    config=config(
        phases={
            "stateful": OFF,
            # Fields that are not looked at are generated too, and their numbers may be longer than
            # any body of a client's: such a body is refused whole.
            "fuzzing": {"checks": {"positive_data_acceptance": OFF}},
        },
        operations=[
            # One factory makes the rows of all five scopes; two of them are gone through wholly.
            {
                "include-path-regex": "^/(environment|application|container)/",
                "phases": {"coverage": OFF},
            },
            # To other methods this is a variable by the id `import`.
            {
                "include-path": "/variable/import",
                "checks": {"unsupported_method": OFF, "allow_header_conformance": OFF},
            },
            # Whether a target may be referred to is no matter of the body's schema.
            {
                "include-path-regex": "/(alias|override)$",
                "checks": {"positive_data_acceptance": OFF},
            },
            # Nor is whether a text is a cursor.
            {
                "include-path-regex": "/versions$",
                "checks": {"positive_data_acceptance": OFF},
            },
            # Nor is whether a format has room for files.
            {
                "include-path-regex": "^/runtime/",
                "checks": {"positive_data_acceptance": OFF},
            },
        ],
    ),
)


def credential(server: LiveServer) -> dict[str, str]:
    """Return the header of the demo's administrator."""
    return {"Authorization": f"Bearer {server.demo['token']}"}


class RealIds:
    """Ids of the demo, put in the place of most generated ones, so that rules are reached."""

    def __init__(self, server: LiveServer, client: httpx.Client) -> None:
        self._client = client
        self._organization = server.demo["organization_id"]
        self._built_in = server.demo["built_in_secret_id"]
        self._holders = {item.value: server.demo[f"{item.lower()}_id"] for item in HOLDER_SCOPES}
        self._turns: defaultdict[object, count[int]] = defaultdict(count)
        self._made = count()

    def put_into(self, case: AnyCase) -> None:
        """Replace the ids of four requests in five, and half of the keys."""
        # The credential is of this organization; any other one would be a wall of 401.
        if case.headers and "X-Organization-Id" in case.headers:
            case.headers["X-Organization-Id"] = self._organization
        # Generated tags are malformed or of nothing; what they do has tests of its own.
        for name, text in {"If-Match": "*", "If-None-Match": '"0"'}.items():
            if case.headers and name in case.headers:
                case.headers[name] = text
        turn = next(self._turns[case.operation.label, case.meta and case.meta.generation.mode])
        if turn % 5 < 4:
            scope = self._name_holder(case.path_parameters)
            refers = case.path.endswith(("/alias", "/override"))
            places = (
                [Scope.PROJECT, scope, Scope.PROJECT, None]
                if refers
                else [scope, Scope.PROJECT, None]
            )
            self._name_service(case.path_parameters)
            self._name_secret(case.path_parameters, places[turn % len(places)])
            self._name_any_holder(case.body)
            self._name_any_holder(case.query)
        if turn % 2 == 0 and isinstance(case.body, dict) and _fits(_KEY, case.body.get("key")):
            case.body["key"] = f"FRESH_{next(self._made)}"

    def _name_holder(self, path: dict[str, Any]) -> str:
        """Replace the holder's id in a path, and return the holder's scope."""
        named = {name: name.removesuffix("Id").upper() for name in path}
        holders = {name: scope for name, scope in named.items() if scope in self._holders}
        for name, scope in holders.items():
            if _fits(_ID, path[name]):
                path[name] = self._holders[scope]
        return next(iter(holders.values()), Scope.JOB)

    def _name_service(self, path: dict[str, Any]) -> None:
        """Replace the service's id in a path, and the key by one that the service has."""
        if _fits(_ID, path.get("serviceId")):
            path["serviceId"] = self._holders[Scope.JOB]
        if _fits(_KEY, path.get("key")):
            path["key"] = "SMTP_PASSWORD"

    def _name_secret(self, path: dict[str, Any], scope: str | None) -> None:
        """Replace the secret's id by that of a new one, or without a scope of the built-in one."""
        for name in path.keys() & {"secretId", "variableId"}:
            if _fits(_ID, path[name]):
                path[name] = self._created_at(scope) if scope else self._built_in

    def _created_at(self, scope: str) -> str:
        body = {"key": f"MADE_{next(self._made)}", "value": "x", "is_secret": True}
        holder = {"variable_scope": scope, "variable_parent_id": self._holders[scope]}
        return str(self._client.post("/variable", json=body | holder).json()["id"])

    def _name_any_holder(self, part: object) -> None:
        """Replace the holder's id in a body or a query by one that is of the scope beside it."""
        if not isinstance(part, dict):
            return
        for scope_field, id_field in _HOLDER_FIELDS.items():
            scope = part.get(scope_field)
            if isinstance(scope, str) and scope in self._holders and _fits(_ID, part.get(id_field)):
                part[id_field] = self._holders[scope]


def _fits(pattern: re.Pattern[str], generated: object) -> bool:
    return isinstance(generated, str) and pattern.fullmatch(generated) is not None


@pytest.fixture(scope="module")
def fuzzed(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server of this module's own, since little of its demo is left in the end."""
    folder = tmp_path_factory.mktemp("fuzzed") / "data"
    shutil.copytree(template[0], folder)
    # Credentials that fail are among what is generated, more of them than a minute allows; so are
    # imports of a thousand rows that overwrite each other, which take long while lines are traced.
    patient = {"FAILED_LOGINS_PER_MINUTE": "0", "DEADLINE_SECONDS": "60"}
    with serving(folder, template[1], **patient) as server:
        yield server


@pytest.fixture(scope="module")
def real_ids(fuzzed: LiveServer) -> Iterator[RealIds]:
    with httpx.Client(base_url=fuzzed.url, headers=credential(fuzzed), timeout=PATIENCE) as client:
        yield RealIds(fuzzed, client)


@pytest.fixture(scope="module")
def reached() -> Mapping[str, set[int]]:
    """Which statuses each operation has answered with."""
    return defaultdict(set)


@REST.parametrize()
def test_rest(
    case: AnyCase, fuzzed: LiveServer, real_ids: RealIds, reached: Mapping[str, set[int]]
) -> None:
    real_ids.put_into(case)

    response = case.call(base_url=fuzzed.url, headers=credential(fuzzed))

    reached[case.operation.label].add(response.status_code)
    case.validate_response(response, headers=credential(fuzzed))


def test_generated_requests_get_through_on_most_paths(reached: Mapping[str, set[int]]) -> None:
    """The control of the test above: a wall of refusals would prove little."""
    if not reached:
        pytest.skip("The generated requests are not among the tests of this run.")
    failed = [
        row.operation_id
        for row in OPERATIONS
        if row.status not in reached[f"{row.method} {row.path}"]
    ]

    assert len(failed) <= _MAX_WITHOUT_SUCCESS, failed
