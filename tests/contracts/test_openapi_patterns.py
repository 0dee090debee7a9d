"""The document's patterns and bounds against the domain's rules: the same texts pass both."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from gateway.domain.content import (
    ensure_description,
    ensure_idempotency_key,
    ensure_key,
    ensure_mount_path,
    ensure_value,
)
from gateway.domain.errors import InvalidInput
from gateway.domain.holders import is_canonical_id
from gateway.rest.openapi.document import openapi_document
from gateway.rest.openapi.fields import Json

COMPONENTS = openapi_document()["components"]
FIELDS = COMPONENTS["schemas"]["VariableRequest"]["properties"]
IDEMPOTENCY_KEY = COMPONENTS["parameters"]["Idempotency-Key"]["schema"]

_KEYS = st.text(alphabet="QOVERYqovery_aZ09é-\n ", max_size=12)
_PATHS = st.lists(
    st.sampled_from(["/", "/", "/", ".", "..", "proc", "sys", "dev", "a", "ü", "\n", "\x7f", "\0"])
).map("".join)
_IDS = st.text(alphabet="0f9aAg-\n", min_size=35, max_size=37) | st.uuids().map(str)


def _fits(schema: Json, text: str) -> bool:
    """Tell whether a text fits, where `$` means the very end, as in JSON Schema."""
    is_refused = "not" in schema and re.search(schema["not"]["pattern"], text)
    found = re.search(schema.get("pattern", "").replace("$", r"\Z"), text)
    return bool(found) and not is_refused and len(text) <= schema.get("maxLength", len(text))


def _passes(rule: Callable[[str], None], text: str) -> bool:
    try:
        rule(text)
    except InvalidInput:
        return False
    return True


@given(_KEYS)
@example("A" * 255)
@example("A" * 256)
@example("Qovery_X")
@example("QOVERY")
@example("A\n")
def test_keys(text: str) -> None:
    assert _fits(FIELDS["key"], text) == _passes(ensure_key, text)


@given(_PATHS)
@example("/a" * 512)
@example("/a" * 512 + "b")
@example("//a")
@example("/a/...")
@example("/proc")
@example("/process")
def test_mount_paths(text: str) -> None:
    # The empty one stands for none, and never reaches the rule.
    assert _fits(FIELDS["mount_path"], text) == (text == "" or _passes(ensure_mount_path, text))


@given(st.text(alphabet="a\0é", max_size=4))
@example("é" * 255)
@example("é" * 256)
def test_descriptions(text: str) -> None:
    assert _fits(FIELDS["description"], text) == _passes(ensure_description, text)


@given(st.text(alphabet="a\0é", max_size=4))
@example("a" * 65_536)
@example("a" * 65_537)
def test_values_in_ascii(text: str) -> None:
    assert _fits(FIELDS["value"], text) == _passes(ensure_value, text)


def test_a_value_that_is_longer_in_bytes_is_for_the_description_to_say() -> None:
    """JSON Schema counts characters, the rule counts bytes."""
    text = "é" * 65_536

    assert _fits(FIELDS["value"], text)
    assert not _passes(ensure_value, text)


@pytest.mark.parametrize("name", ["value", "description", "mount_path"])
def test_null_fits_an_optional_field(name: str) -> None:
    optional = COMPONENTS["schemas"]["SecretRequest"]["properties"][name]

    assert OAS31Validator(optional).is_valid(None)
    assert OAS31Validator(optional).is_valid("/a")
    assert not OAS31Validator(optional).is_valid("\0")


@pytest.mark.parametrize("name", ["key", "value"])
def test_null_does_not_fit_a_required_field(name: str) -> None:
    assert not OAS31Validator(FIELDS[name]).is_valid(None)


@given(st.text(alphabet="!~ é\n", max_size=4))
@example("!" * 255)
@example("!" * 256)
def test_idempotency_keys(text: str) -> None:
    assert _fits(IDEMPOTENCY_KEY, text) == _passes(ensure_idempotency_key, text)


@given(_IDS)
def test_ids(text: str) -> None:
    assert _fits(FIELDS["variable_parent_id"], text) == is_canonical_id(text)
