"""Queries about what services receive, and what a change would alter."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, case, exists, func, not_, or_, select

from gateway.domain.holders import Holder
from gateway.domain.pages import ANY_SECRET, BY_KEY, Page, SecretFilter, SecretOrder, Window
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import SERVICE_SCOPES
from gateway.domain.secrets import Secret, SecretType
from gateway.storage.holders import HOLDER
from gateway.storage.keyset import fetch_page, holders_covered
from gateway.storage.query_batching import BatchableQuery, batched_rows
from gateway.storage.related_secrets import dependents
from gateway.storage.secrets import SECRET, conditions, ordering, reader, selection
from gateway.storage.unit_of_work import ReadUnit


async def winners(
    unit: ReadUnit,
    service: Holder,
    window: Window,
    *,
    visibility: Visibility,
    order: SecretOrder = BY_KEY,
    only: SecretFilter = ANY_SECRET,
) -> Page[Secret]:
    """Return a page of the visible secrets that win for their keys at a service.

    Invisible secrets compete too. If a principal cannot see the winner of a key, the page does not
    show another secret in its place.
    """
    nearness = func.row_number().over(
        partition_by=SECRET.c.key, order_by=(SECRET.c.list_rank.desc(), SECRET.c.id)
    )
    ranked = (
        select(SECRET.c.id, nearness.label("nearness"))
        .where(SECRET.c.holder_id.in_(service.chain_ids))
        .subquery()
    )
    nearest = select(ranked.c.id).where(ranked.c.nearness == 1)
    wanted = (SECRET.c.id.in_(nearest), *conditions(only))
    statement = selection().where(*wanted, holders_covered(visibility))
    return await fetch_page(
        unit, statement, ordering=ordering(order), window=window, build=reader(unit)
    )


async def in_chain_with_keys(
    unit: ReadUnit, service: Holder, keys: Iterable[str], *, visibility: Visibility
) -> list[Secret]:
    """Return the visible secrets with one of these keys in the service's chain, nearest first."""
    in_chain = SECRET.c.holder_id.in_(service.chain_ids)
    wanted = BatchableQuery(
        statement=selection()
        .where(in_chain, SECRET.c.key.in_(tuple(keys)))
        .where(holders_covered(visibility)),
        by=(SECRET.c.key, SECRET.c.list_rank.desc(), SECRET.c.id),
    )
    rows = await batched_rows(unit, wanted, shape="secrets in chains")
    return list(map(reader(unit), rows))


async def in_chain(
    unit: ReadUnit, service: Holder, *, most: int, visibility: Visibility
) -> list[Secret]:
    """Return the visible secrets in the service's chain, by key and then nearest first."""
    rows = await unit.rows(
        selection()
        .where(SECRET.c.holder_id.in_(service.chain_ids), holders_covered(visibility))
        .order_by(SECRET.c.key, SECRET.c.list_rank.desc(), SECRET.c.id)
        .limit(most)
    )
    return list(map(reader(unit), rows))


async def anywhere_with_key(
    unit: ReadUnit, service: Holder, key: str, *, most: int, visibility: Visibility
) -> list[Secret]:
    """Return the visible secrets with this key outside the service's chain, nearest first."""
    distance = case(
        (HOLDER.c.environment_id == service.environment_id, 0),
        (HOLDER.c.project_id == service.project_id, 1),
        else_=2,
    )
    rows = await unit.rows(
        selection()
        .where(SECRET.c.key == key, holders_covered(visibility))
        .where(SECRET.c.holder_id.not_in(service.chain_ids))
        .order_by(distance, SECRET.c.list_rank, SECRET.c.id)
        .limit(most)
    )
    return list(map(reader(unit), rows))


def affected_services(secret: Secret, *, with_overrides: bool) -> Select[Any]:
    """Select the ids of the services whose delivery changes when the secret changes.

    These are the services where the secret, or a secret that refers to it, wins for its key.
    Overrides have their own values, so they count only when they are deleted too.
    """
    service, moved, nearer = HOLDER.alias("service"), SECRET.alias("moved"), SECRET.alias("nearer")
    referring = dependents(secret.id) if with_overrides else _aliases_of(secret.id)
    chain = (service.c.id, service.c.environment_id, service.c.project_id)
    is_hidden = (
        exists()
        .where(
            nearer.c.holder_id.in_(chain),
            nearer.c.key == moved.c.key,
            nearer.c.list_rank > moved.c.list_rank,
        )
        .correlate(service, moved)
    )
    is_won = (
        exists()
        .where(
            or_(moved.c.id == secret.id, moved.c.id.in_(referring)),
            moved.c.holder_id.in_(chain),
            not_(is_hidden),
        )
        .correlate(service)
    )
    return select(service.c.id).where(
        service.c.project_id == secret.holder.project_id,
        service.c.kind.in_(SERVICE_SCOPES),
        is_won,
    )


def _aliases_of(secret_id: str) -> Select[Any]:
    return select(SECRET.c.id).where(
        SECRET.c.target_id == secret_id, SECRET.c.variable_type == SecretType.ALIAS
    )
