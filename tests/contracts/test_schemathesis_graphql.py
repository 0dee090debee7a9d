"""Generated GraphQL documents: every field and argument of the schema, and no fault inside.

`FUZZ_EXAMPLES=500 FUZZ_SEED=7` make a longer and another run.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from gateway.domain.errors import ErrorCode
from schema.snapshot import printed
from tests.contracts.test_schemathesis_rest import EXAMPLES, OFF, AnyCase, config, credential
from tests.contracts.test_schemathesis_rest import fuzzed as fuzzed  # noqa: PLC0414 - for pytest
from tests.servers import LiveServer

_FAULTS = {ErrorCode.INTERNAL, ErrorCode.UNAVAILABLE}
# Names of the demo's ids, which stand in a generated document for the ids of the server's demo.
_ID_NAMES = (
    "project_id",
    "environment_id",
    "job_id",
    "application_id",
    "helm_id",
    "other_job_id",
    "built_in_secret_id",
)
# Few generated texts are a cursor, few numbers a page's size, and few documents page one way only;
# few lists of keys are of a service, and few formats have room for its files. Tests of their own
# read these.
_SELDOM_REACHED = {
    "Query.apiTokens",
    "Query.auditEvents",
    "Query.claimRules",
    "Query.delivery",
    "Query.grants",
    "Query.projects",
    "Query.users",
}
_NAMED_ID = re.compile(r'"<(\w+)>"')
_WORDS = ("PAYMENT_API_KEY", "SMTP_PASSWORD", "NEW_KEY", "/etc/new.pem", "")


def _make_plausible() -> None:
    """Let ids, texts and numbers often be such that rules are reached."""
    text = st.text(max_size=20)
    named = st.sampled_from(_ID_NAMES).map("<{}>".format)
    schemathesis.graphql.scalar("ID", (named | st.just("<job_id>") | text).map(nodes.String))
    schemathesis.graphql.scalar("String", (st.sampled_from(_WORDS) | text).map(nodes.String))
    schemathesis.graphql.scalar("Int", st.integers(-1, 101).map(nodes.Int))


_make_plausible()
GRAPHQL = schemathesis.graphql.from_file(
    printed(),
    # Both take every error with a path for a fault; ours have codes, which are looked at below.
    config=config(
        examples=2 * EXAMPLES,
        checks={"not_a_server_error": OFF, "positive_data_acceptance": OFF},
    ),
)


@pytest.fixture(scope="module")
def reached() -> Mapping[str, set[str]]:
    """With which codes each operation has answered; an empty one stands for none."""
    return defaultdict(set)


def _ensure_answered(case: AnyCase, server: LiveServer, reached: Mapping[str, set[str]]) -> None:
    case.body = _NAMED_ID.sub(lambda found: f'"{server.demo[found[1]]}"', str(case.body))

    response = case.call(base_url=f"{server.url}/graphql", headers=credential(server))

    codes = {error["extensions"]["code"] for error in response.json().get("errors", ())}
    reached[case.operation.label].update(codes or {""})
    assert codes <= set(ErrorCode) - _FAULTS, case.body
    assert response.status_code == 200
    assert response.headers["content-type"] == ["application/json; charset=utf-8"]
    case.validate_response(response, headers=credential(server))


@GRAPHQL.exclude(name="Mutation.deleteHolder").parametrize()
def test_graphql(case: AnyCase, fuzzed: LiveServer, reached: Mapping[str, set[str]]) -> None:
    _ensure_answered(case, fuzzed, reached)


def test_generated_documents_get_through_on_every_field(reached: Mapping[str, set[str]]) -> None:
    """The control of the test above: a wall of refusals would prove little."""
    if not reached:
        pytest.skip("The generated documents are not among the tests of this run.")

    walled = {label for label, codes in reached.items() if "" not in codes}
    assert walled <= _SELDOM_REACHED


@GRAPHQL.include(name="Mutation.deleteHolder").parametrize()
def test_graphql_in_the_end(
    case: AnyCase, fuzzed: LiveServer, reached: Mapping[str, set[str]]
) -> None:
    """After this there may be no demo left."""
    _ensure_answered(case, fuzzed, reached)
