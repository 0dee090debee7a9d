"""What is known of a delivery before its rows are verified and its values opened.

Nothing here is checked by a MAC: who changes these columns in the database gets a delivery refused,
and none accepted that is too large.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, and_, case, exists, func, or_, select

from gateway.domain.delivery_bounds import StoredText
from gateway.domain.holders import Holder
from gateway.domain.secrets import SecretType
from gateway.storage.access_tables import ReferenceReadingRow, ValueReferenceRow
from gateway.storage.live_rows import SECRET
from gateway.storage.unit_of_work import ReadUnit
from gateway.storage.values import SEALED_VALUE

_SOURCE: Final = SECRET.alias("bound_source")
_TARGET: Final = SECRET.alias("bound_target")
_REFERENCE: Final = ValueReferenceRow.__table__
_READING: Final = ReferenceReadingRow.__table__
_HAS_ALL_REFERENCES: Final = exists().where(_READING.c.position.is_(None))


async def rough_size(unit: ReadUnit, service: Holder) -> int:
    """Return an estimate of a delivery's bytes: at least all texts before they are expanded.

    Each text that has references is taken to be as long as the longest one.
    """
    is_alias = SECRET.c.variable_type == SecretType.ALIAS
    source_id = case((is_alias, SECRET.c.target_id), else_=SECRET.c.id)
    size = func.length(SEALED_VALUE.c.ciphertext)
    row = await unit.first(
        select(func.sum(size).label("all"), func.max(size).label("longest"))
        .add_columns(func.count(_REFERENCE.c.secret_id).label("referring"))
        .select_from(SECRET)
        .join(SEALED_VALUE, SEALED_VALUE.c.secret_id == source_id)
        .outerjoin(_REFERENCE, _REFERENCE.c.secret_id == source_id)
        .where(SECRET.c.holder_id.in_(service.chain_ids))
    )
    return max(row.all, row.referring * row.longest) if row and row.longest else 0


async def stored_texts(
    unit: ReadUnit, service: Holder, *, most: int
) -> tuple[Sequence[StoredText], bool]:
    """Return the texts that a service gets, by key, and whether all their references are known.

    The sizes are those of the ciphertexts.
    """
    nearness = func.row_number().over(
        partition_by=SECRET.c.key, order_by=(SECRET.c.list_rank.desc(), SECRET.c.id)
    )
    ranked = (
        select(SECRET.c.id, SECRET.c.key, SECRET.c.variable_type, SECRET.c.target_id)
        .add_columns(nearness.label("nearness"))
        .where(SECRET.c.holder_id.in_(service.chain_ids))
        .subquery()
    )
    is_alias = ranked.c.variable_type == SecretType.ALIAS
    source_id = case((is_alias, ranked.c.target_id), else_=ranked.c.id)
    is_file = or_(_SOURCE.c.mount_path.is_not(None), _TARGET.c.mount_path.is_not(None))
    own, behind = (each.c.enable_interpolation_in_file for each in (_SOURCE, _TARGET))
    rows = await unit.rows(
        select(
            ranked.c.key,
            func.coalesce(func.length(SEALED_VALUE.c.ciphertext), 0).label("size"),
            is_file.label("is_file"),
            func.coalesce(own, behind, False).label("is_expanded"),
            func.coalesce(_REFERENCE.c.names, b"").label("names"),
            _HAS_ALL_REFERENCES.label("has_all_references"),
        )
        .join(_SOURCE, and_(_SOURCE.c.id == source_id, ranked.c.nearness == 1))
        .outerjoin(_TARGET, _TARGET.c.id == _SOURCE.c.target_id)
        .outerjoin(SEALED_VALUE, SEALED_VALUE.c.secret_id == _SOURCE.c.id)
        .outerjoin(_REFERENCE, _REFERENCE.c.secret_id == _SOURCE.c.id)
        .where(_SOURCE.c.holder_id.in_(service.chain_ids))
        .order_by(ranked.c.key)
        .limit(most)
    )
    return list(map(_text, rows)), all(row.has_all_references for row in rows)


def _text(row: Row[Any]) -> StoredText:
    is_followed = row.is_expanded or not row.is_file
    return StoredText(
        key=row.key,
        size=row.size,
        is_file=bool(row.is_file),
        name_hashes=row.names if is_followed else b"",
    )
