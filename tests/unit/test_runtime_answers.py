"""Answers of `/runtime` to what no write lets into the store any more."""

import json
from typing import Any

import pytest

from gateway.domain.delivery_formats import DeliveryFormat
from gateway.domain.env_files import kubernetes_text
from gateway.rest.bindings import InvalidField
from gateway.rest.delivery import FORMAT, to_response

Row = dict[str, Any]


def _file(key: str, path: str, content: str) -> Row:
    return {"key": key, "value": path, "file": {"mountPath": path, "content": content}}


def _answer(*secrets: Row) -> Any:
    response = to_response(
        {FORMAT: DeliveryFormat.JSON}, {"serviceName": "job", "secrets": secrets}
    )
    return json.loads(bytes(response.body))


def test_two_contents_of_one_path_are_refused() -> None:
    with pytest.raises(InvalidField, match="/etc/one"):
        _answer(_file("A", "/etc/one", "x"), _file("B", "/etc/one", "y"))


def test_an_alias_of_a_file_is_the_same_file() -> None:
    """The control of the test above."""
    answer = _answer(_file("A", "/etc/one", "x"), _file("B", "/etc/one", "x"))

    assert answer == {"A": "/etc/one", "B": "/etc/one", "/etc/one": "x"}


def test_a_manifest_without_values_is_whole() -> None:
    assert kubernetes_text("job", {}, {}).endswith('"type": "Opaque"\n"data": {}\n')
