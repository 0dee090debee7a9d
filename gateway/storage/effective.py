"""Queries about what services receive, and what a change would alter."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, literal, or_, select

from gateway.domain.holders import Holder
from gateway.domain.pages import ANY_SECRET, BY_KEY, Page, SecretFilter, SecretOrder, Window
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.domain.secrets import Secret, SecretType
from gateway.storage.keyset import Parts, fetch_page, holders_covered
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.prepared import Parameter, Parameters
from gateway.storage.query_batching import BatchableQuery, batched_rows
from gateway.storage.related_secrets import dependents
from gateway.storage.secret_rows import reader, selection
from gateway.storage.secrets import ListShape, defined, holders_given, list_template, ordering
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
    return await fetch_page(
        unit,
        list_template(_winning, service.chain_ids, visibility, only),
        ordering=ordering(order),
        window=window,
        build=reader(unit),
    )


def _winning(given: Parameters, shape: ListShape) -> tuple[Select[Any], Parts]:
    statement, parts = defined(given, shape)
    return statement.where(~_has_nearer(holders_given(given, shape))), parts


def _has_nearer(chain: Sequence[Parameter]) -> ColumnElement[bool]:
    """Return the condition that another secret of the chain wins for the secret's key."""
    nearer = SECRET.alias("nearer")
    return exists().where(
        or_(*(nearer.c.holder_id == each for each in chain)),
        nearer.c.key == SECRET.c.key,
        or_(
            nearer.c.list_rank > SECRET.c.list_rank,
            and_(nearer.c.list_rank == SECRET.c.list_rank, nearer.c.id < SECRET.c.id),
        ),
    )


async def in_chain_with_keys(
    unit: ReadUnit,
    service: Holder,
    keys: Iterable[str],
    *,
    visibility: Visibility,
    without: Collection[str] = (),
) -> list[Secret]:
    """Return the visible secrets with one of these keys in the service's chain, nearest first.

    Secrets whose ids are in `without` are left out.
    """
    in_chain = SECRET.c.holder_id.in_(service.chain_ids)
    wanted = BatchableQuery(
        statement=selection()
        .where(in_chain, SECRET.c.key.in_(tuple(keys)), SECRET.c.id.not_in(without))
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
    rank = (SECRET.c.list_rank, SECRET.c.id)
    wanted = (SECRET.c.key == key, SECRET.c.holder_id.not_in(service.chain_ids))
    covered = selection().where(holders_covered(visibility))
    if visibility.is_everywhere:
        parts = Parts(covered, SECRET.c.id, _parts_by_distance(service))
        firsts = parts.first_of(select(SECRET.c.id).where(*wanted), rank, most)
    else:
        parts = Parts(covered, SECRET.c.id, _parts_with_grants(visibility))
        firsts = parts.first_of(covered.where(*wanted), (distance, *rank), most)
    rows = await unit.rows(firsts.order_by(distance, *rank).limit(most))
    return list(map(reader(unit), rows))


def _parts_by_distance(service: Holder) -> list[ColumnElement[bool]]:
    in_environment = select(HOLDER.c.id).where(HOLDER.c.environment_id == service.environment_id)
    other_projects = select(HOLDER.c.id).where(
        HOLDER.c.organization_id == service.organization_id,
        HOLDER.c.kind == Scope.PROJECT,
        HOLDER.c.id != service.project_id,
    )
    return [
        SECRET.c.holder_id.in_(in_environment),
        and_(
            SECRET.c.project_id == service.project_id,
            SECRET.c.holder_id.not_in(in_environment),
        ),
        SECRET.c.project_id.in_(other_projects),
    ]


def _parts_with_grants(visibility: Visibility) -> list[ColumnElement[bool]]:
    ids = sorted(visibility.holder_ids)
    columns = (SECRET.c.holder_id, HOLDER.c.environment_id, SECRET.c.project_id)
    return [column.in_(ids) for column in columns]


def affected_services(secret: Secret, *, with_overrides: bool) -> Select[Any]:
    """Select the ids of the services whose delivery changes when the secret changes.

    These are the services where the secret, or a secret that refers to it, wins for its key.
    Overrides have their own values, so they count only when they are deleted too.
    """
    service, moved, nearer = HOLDER.alias("service"), SECRET.alias("moved"), SECRET.alias("nearer")
    referring = dependents(secret.id) if with_overrides else _aliases_of(secret.id)
    chain = (service.c.id, service.c.environment_id, service.c.project_id)
    is_hidden = exists().where(
        nearer.c.holder_id.in_(chain),
        nearer.c.key == moved.c.key,
        nearer.c.list_rank > moved.c.list_rank,
    )
    return select(service.c.id).where(
        moved.c.id.in_(select(literal(secret.id)).union(referring)),
        or_(*(above == moved.c.holder_id for above in chain)),
        service.c.kind.in_(SERVICE_SCOPES),
        ~is_hidden,
    )


def _aliases_of(secret_id: str) -> Select[Any]:
    return select(SECRET.c.id).where(
        SECRET.c.target_id == secret_id, SECRET.c.variable_type == SecretType.ALIAS
    )
