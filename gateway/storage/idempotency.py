"""Queries about what writes under an idempotency key answered."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert

from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import Secret, SecretFacts, SecretType, ServiceReference
from gateway.storage.row_macs import Covered, ensure_one, in_utc
from gateway.storage.tables import IdempotencyRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

IDEMPOTENCY: Final = IdempotencyRow.__table__
ANSWERS: Final = Covered(
    IDEMPOTENCY, ("principal_id", "idempotency_key", "fingerprint", "answer", "created_at")
)


async def find(
    unit: ReadUnit, principal_id: str, key: str, *, since: datetime
) -> tuple[bytes, Secret] | None:
    """Return the request's fingerprint and the answer recorded under a key, if it is recent.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    row = await unit.first(
        ANSWERS.selection().where(
            IDEMPOTENCY.c.principal_id == principal_id,
            IDEMPOTENCY.c.idempotency_key == key,
            IDEMPOTENCY.c.created_at > since,
        )
    )
    if row is None:
        return None
    unit.macs.ensure_sound(ANSWERS, row)
    return row.fingerprint, _secret(json.loads(row.answer))


async def add(
    unit: WriteUnit, principal_id: str, key: str, answer: Secret, *, fingerprint: bytes
) -> None:
    """Record what a write answered.

    Raises:
        IntegrityFault: if the database did not store exactly this row.

    """
    columns = {
        "principal_id": principal_id,
        "idempotency_key": key,
        "fingerprint": fingerprint,
        "answer": json.dumps(asdict(answer), default=datetime.isoformat),
        "created_at": in_utc(answer.created_at),
    }
    mac = unit.macs.of(ANSWERS, list(columns.values()))
    count = await unit.execute(insert(IDEMPOTENCY).values(**columns, mac=mac))
    ensure_one(IDEMPOTENCY, principal_id, count)


async def forget(unit: WriteUnit, *, until: datetime) -> None:
    """Delete what was recorded until then."""
    await unit.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_at <= until))


def _secret(recorded: Mapping[str, Any]) -> Secret:
    holder, service, target = (recorded[name] for name in ("holder", "service", "target"))
    moments = {
        name: datetime.fromisoformat(recorded[name]) for name in ("created_at", "updated_at")
    }
    return Secret(
        **{
            **recorded,
            **_facts(recorded),
            **moments,
            "holder": Holder(**{**holder, "kind": Scope(holder["kind"])}),
            "service": service and _service(service),
            "target": target and SecretFacts(**{**target, **_facts(target)}),
        }
    )


def _facts(recorded: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "scope": Scope(recorded["scope"]),
        "variable_type": SecretType(recorded["variable_type"]),
    }


def _service(recorded: Mapping[str, Any]) -> ServiceReference:
    return ServiceReference(**{**recorded, "type": ServiceType(recorded["type"])})
