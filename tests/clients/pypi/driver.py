"""Drives PyPI's client: a request a line comes in, its answer goes out on one line.

    {"api": "ProjectSecretApi", "method": "create_project_secret", "args": ["…"],
     "body": {"SecretRequest": {"key": "…", "value": "…"}}}
    {"status": 201, "headers": {…}, "data": {…}}   whatever the server answered, errors too
    {"failure": "…"}                               anything else: the client itself gave up

It runs in an environment of its own, where there is neither the gateway nor its tests. The client
is imported by name, because whoever checks these types has no such package.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any

_qovery = import_module("qovery")
_apis = import_module("qovery.apis")
_models = import_module("qovery.models")


def main() -> None:
    """Answer each line of the input."""
    configuration = _qovery.Configuration(
        host=os.environ["CLIENT_BASE_PATH"], access_token=os.environ.get("CLIENT_ACCESS_TOKEN")
    )
    with _qovery.ApiClient(configuration) as client:
        for line in sys.stdin:
            answer = _answer(client, json.loads(line))
            print(json.dumps(answer, default=datetime.isoformat), flush=True)  # noqa: T201 - told


def _answer(client: object, request: Mapping[str, Any]) -> Mapping[str, object]:
    try:
        return _call(client, **request)
    except _qovery.ApiException as error:
        # Without a status, no answer came at all.
        if not error.status:
            return {"failure": str(error)}
        return _reported(json.loads(error.body), error.status, error.headers)
    except Exception as error:  # noqa: BLE001 - whatever the client raises is its answer
        return {"failure": repr(error)}


def _call(
    client: object, *, api: str, method: str, args: list[str], body: Mapping[str, Any]
) -> Mapping[str, object]:
    call = getattr(getattr(_apis, api)(client), method)
    models = {_snake(name): getattr(_models, name)(**body[name]) for name in body}
    model, status, headers = call(*args, **models, _return_http_data_only=False)
    return _reported(model.to_dict() if model else None, status, headers)


def _reported(data: object, status: int, headers: Mapping[str, str]) -> Mapping[str, object]:
    return {"status": status, "headers": dict(headers), "data": data}


def _snake(name: str) -> str:
    # SecretRequest → secret_request: the client names a method's parameter after its model.
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


if __name__ == "__main__":
    main()
