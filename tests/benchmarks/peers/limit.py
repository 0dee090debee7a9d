"""The limit: the same answers by hand, without GraphQL, credentials, permissions or sealing.

One process, one sqlite3 connection, one statement a request and one more for a write, which is
committed with synchronous=FULL. No general server can do less for the same answer.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson
from starlette.types import Receive, Scope, Send

_CHAIN: Final = """(SELECT :job
  UNION ALL SELECT environment_id FROM holder WHERE id = :job
  UNION ALL SELECT project_id FROM holder WHERE id = :job)"""
_READ: Final = f"""
SELECT s.id, s.key, s.scope, s.variable_type, s.mount_path, s.description, s.owned_by,
       s.created_at, s.updated_at, s.version, t.id, t.key, t.scope
FROM secret s LEFT JOIN secret t ON t.id = s.target_id AND s.variable_type = 'ALIAS'
WHERE s.holder_id IN {_CHAIN} ORDER BY s.list_rank, s.key LIMIT 50
"""  # noqa: S608 - put together from constants
_LIST: Final = f"""
SELECT s.id, s.key, s.scope, s.description, s.variable_type, s.owned_by, s.created_at,
       s.updated_at, h.id, h.name, h.kind,
       t.id, t.key, t.scope, t.description, t.mount_path, t.variable_type
FROM secret s JOIN holder h ON h.id = s.holder_id LEFT JOIN secret t ON t.id = s.target_id
WHERE s.holder_id IN {_CHAIN} ORDER BY s.list_rank, s.key
"""  # noqa: S608 - put together from constants
# SQLite takes the other columns from the row that has the maximum: the nearest holder's secret.
_DELIVERY: Final = f"""
SELECT s.key, v.value, max(s.list_rank)
FROM secret s
JOIN secret_value v ON v.secret_id = iif(s.variable_type = 'ALIAS', s.target_id, s.id)
WHERE s.holder_id IN {_CHAIN} GROUP BY s.key ORDER BY s.key
"""  # noqa: S608 - put together from constants
_TARGET: Final = """
SELECT id, key, scope, description, mount_path, variable_type FROM secret WHERE id = ?
"""
_INSERT: Final = """
INSERT INTO secret VALUES (?, ?, 'JOB', 'ALIAS', NULL, NULL, 'QOVERY', ?, ?, 1, ?, ?, 20)
"""
_SERVICES: Final = frozenset({"JOB"})
_JSON: Final = [(b"content-type", b"application/json")]

Answer = tuple[int, object]


class Limit:
    """An ASGI application that knows a handful of requests."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._operations: Mapping[str, Callable[[Mapping[str, str]], object]] = {
            "Read": self._read,
            "Alias": self._alias,
            "Delivery": self._delivery,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        status, answer = self._answer(scope["path"], scope["method"], body)
        await send({"type": "http.response.start", "status": status, "headers": _JSON})
        await send({"type": "http.response.body", "body": orjson.dumps(answer)})

    def close(self) -> None:
        self._connection.close()

    def _answer(self, path: str, method: str, body: bytes) -> Answer:
        if path == "/graphql":
            asked = orjson.loads(body)
            return 200, {"data": self._operations[asked["operationName"]](asked["variables"])}
        _, _, job, _, *rest = path.split("/")
        if method == "GET":
            return 200, {"results": list(self._list(job))}
        return 201, self._alias_by_rest(job, rest[0], orjson.loads(body)["key"])

    def _read(self, variables: Mapping[str, str]) -> object:
        rows = self._connection.execute(_READ, {"job": variables["id"]})
        return {"job": {"visibleSecrets": {"edges": [{"node": _node(row)} for row in rows]}}}

    def _list(self, job: str) -> Iterator[Mapping[str, object]]:
        for row in self._connection.execute(_LIST, {"job": job}):
            (id_, key, scope, description, kind, owner, created, updated, *rest) = row
            holder_id, name, holder_kind, *target = rest
            listed = {
                "id": id_,
                "key": key,
                "scope": scope,
                "description": description or "",
                "variable_type": kind,
                "owned_by": owner,
                "created_at": created,
                "updated_at": updated,
            }
            if scope in _SERVICES:
                listed |= _service(holder_id, name, holder_kind)
            if target[0]:
                which = "aliased_secret" if kind == "ALIAS" else "overridden_secret"
                listed[which] = _listed_target(target)
            yield listed

    def _delivery(self, variables: Mapping[str, str]) -> object:
        rows = self._connection.execute(_DELIVERY, {"job": variables["id"]})
        return {"runtimeSecrets": [{"key": key, "value": value} for key, value, _ in rows]}

    def _alias(self, variables: Mapping[str, str]) -> object:
        target = self._target(variables["secret"])
        id_, _ = self._insert(variables["job"], variables["secret"], variables["key"])
        secret = {
            "id": id_,
            "key": variables["key"],
            "scope": "JOB",
            "variableType": "ALIAS",
            "aliasedSecret": {"id": target[0], "key": target[1], "scope": target[2]},
        }
        return {"createJobSecretAlias": {"secret": secret, "errors": []}}

    def _alias_by_rest(self, job: str, target_id: str, key: str) -> object:
        target = self._target(target_id)
        name = self._connection.execute("SELECT name FROM holder WHERE id = ?", (job,))
        id_, now = self._insert(job, target_id, key)
        return {
            "id": id_,
            "key": key,
            "scope": "JOB",
            "description": "",
            "variable_type": "ALIAS",
            "owned_by": "QOVERY",
            "created_at": now,
            "updated_at": now,
            **_service(job, name.fetchone()[0], "JOB"),
            "aliased_secret": _listed_target(target),
        }

    def _target(self, target_id: str) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self._connection.execute(_TARGET, (target_id,)).fetchone()
        return found

    def _insert(self, job: str, target_id: str, key: str) -> tuple[str, str]:
        id_, now = str(uuid4()), f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"
        self._connection.execute(_INSERT, (id_, key, now, now, job, target_id))
        return id_, now


def _node(row: tuple[Any, ...]) -> Mapping[str, object]:
    (id_, key, scope, kind, path, description, owner, created, updated, version, *target) = row
    aliased = {"id": target[0], "key": target[1], "scope": target[2]} if target[0] else None
    return {
        "id": id_,
        "key": key,
        "scope": scope,
        "variableType": kind,
        "mountPath": path,
        "description": description,
        "ownedBy": owner,
        "createdAt": created,
        "updatedAt": updated,
        "version": version,
        "aliasedSecret": aliased,
    }


def _service(id_: str, name: str, kind: str) -> dict[str, str]:
    return {"service_id": id_, "service_name": name, "service_type": kind}


def _listed_target(target: Sequence[Any]) -> Mapping[str, str]:
    id_, key, scope, description, path, kind = target
    return {
        "id": id_,
        "key": key,
        "scope": scope,
        "description": description or "",
        "mount_path": path or "",
        "variable_type": kind,
    }


def serve() -> Limit:
    """Return the application over the database that a variable names, for uvicorn."""
    return Limit(Path(os.environ["PEER_DATABASE"]))
