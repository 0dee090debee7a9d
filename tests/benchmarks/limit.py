"""What to measure against: the same answers by hand, without GraphQL, permissions or sealing.

One statement on one sqlite3 connection a request; it commits each write with synchronous=FULL.
"""

import os
import sqlite3
from uuid import uuid4

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_READ = """
SELECT s.id, s.key, s.scope, s.variable_type, s.mount_path, s.description, s.owned_by,
       s.created_at, s.updated_at, s.version, t.id, t.key, t.scope
FROM secret s LEFT JOIN secret t ON t.id = s.target_id
WHERE s.holder_id IN (SELECT id FROM holder WHERE id = :job
  UNION SELECT environment_id FROM holder WHERE id = :job
  UNION SELECT project_id FROM holder WHERE id = :job)
ORDER BY s.list_rank, s.key LIMIT 50
"""
_WRITE = "INSERT INTO written VALUES (?, ?, ?)"

_connection = sqlite3.connect(os.environ["LIMIT_DATABASE"], isolation_level=None)
_connection.execute("PRAGMA journal_mode = wal")
_connection.execute("PRAGMA synchronous = 2")
_connection.execute("CREATE TABLE IF NOT EXISTS written (id TEXT PRIMARY KEY, key TEXT, job TEXT)")


async def read(request: Request) -> Response:
    """Answer with what a job sees."""
    variables = orjson.loads(await request.body())["variables"]
    rows = _connection.execute(_READ, {"job": variables["id"]}).fetchall()
    nodes = [{"id": row[0], "key": row[1], "rest": row[2:]} for row in rows]
    return Response(orjson.dumps({"data": {"job": nodes}}), media_type="application/json")


async def write(request: Request) -> Response:
    """Store an alias's key."""
    key, row_id = orjson.loads(await request.body())["key"], str(uuid4())
    _connection.execute(_WRITE, (row_id, key, request.path_params["job"]))
    answer = orjson.dumps({"id": row_id, "key": key})
    return Response(answer, 201, media_type="application/json")


app = Starlette(
    routes=[
        Route("/graphql", read, methods=["POST"]),
        Route("/job/{job}/secret/{secret}/alias", write, methods=["POST"]),
    ]
)
