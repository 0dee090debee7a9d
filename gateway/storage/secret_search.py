"""Search the secrets of an organization, or those of some holders and of all below them.

A page is read in the order of an index. The index by key has what a filter compares, so that only
the rows of the page are read.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union

from gateway.domain.holders import Holder
from gateway.domain.pages import Page, SecretOrder, SecretOrderField, SecretSearch, Window
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret
from gateway.storage.keyset import Parts, Template, fetch_page
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.prepared import NAMED, Parameter, Parameters, Prepared
from gateway.storage.secret_rows import reader, selection
from gateway.storage.secrets import ordering
from gateway.storage.tables import SecretRow
from gateway.storage.unit_of_work import ReadUnit

_ROW: Final = SecretRow.__table__.c
_ESCAPE: Final = "!"
# Up to this many projects are read one by one, each in the order of an index. Of more of them, all
# secrets of the organization are read in its order, and those of other projects are left out.
_MAX_PARTS: Final = 8
_MANY: Final = -1
# Up to this many secrets with a new time are sorted; more of them are read in the list's order.
_FEW: Final = 1_000


def _recent(given: Parameters, *, is_of_project: bool) -> Select[Any]:
    """Select the secrets of the only project, or of the organization, with a new time."""
    within = _ROW.organization_id == given.one("organization")
    if is_of_project:
        within = _ROW.project_id == given.one(_project(0))
    return select(_ROW.id).where(within, _ROW.updated_at >= _since(given))


def _since(given: Parameters) -> Parameter:
    return given.one("updated_since", _ROW.updated_at.type)


def _project(number: int) -> str:
    return f"project_{number}"


def _count_recent(*, is_of_project: bool) -> Prepared:
    found = _recent(NAMED, is_of_project=is_of_project).limit(_FEW + 1).subquery()
    return Prepared(select(func.count()).select_from(found))


_COUNT_RECENT: Final = _count_recent(is_of_project=False)
_COUNT_RECENT_OF_PROJECT: Final = _count_recent(is_of_project=True)
# The condition of each field of a search; its parameter has the field's name.
_CHOSEN: Final[Mapping[str, Callable[[Parameters], ColumnElement[bool]]]] = {
    # LIKE ignores case in ASCII, which keys consist of.
    "key_contains": lambda given: SECRET.c.key.like(given.one("key_contains"), escape=_ESCAPE),
    "keys": lambda given: SECRET.c.key.in_(given.each("keys")),
    "scopes": lambda given: SECRET.c.scope.in_(given.each("scopes")),
    "variable_types": lambda given: SECRET.c.variable_type.in_(given.each("variable_types")),
    "used": lambda given: SECRET.c.id.not_in(given.each("used")),
}
# An expression in place of the column: the index in the order of the keys is used.
_UNINDEXED: Final = func.coalesce(SECRET.c.updated_at, SECRET.c.updated_at)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What decides a search's statement."""

    # How many projects, or that they are many; None for the whole organization.
    projects: int | None
    fields: frozenset[str]
    is_by_key: bool
    # Whether few secrets have a new time.
    has_few: bool


async def page(
    unit: ReadUnit,
    organization_id: str,
    tops: Sequence[Holder] | None,
    window: Window,
    *,
    order: SecretOrder,
    only: SecretSearch,
    used: Collection[str] | None = None,
) -> Page[Secret]:
    """Return a page of the matching secrets of these holders and of all below; for None, of all.

    `used` has the ids of secrets that do not match.
    """
    projects = [top.id for top in tops or () if top.kind is Scope.PROJECT]
    values = {
        "organization": organization_id,
        "projects": projects,
        "narrow": [top.id for top in tops or () if top.kind is not Scope.PROJECT],
        **{_project(number): project for number, project in enumerate(projects)},
        **_given(only),
        **({} if used is None else {"used": list(used)}),
    }
    is_by_key = order.field is SecretOrderField.KEY
    shape = _Shape(
        projects=None if tops is None else len(projects) if len(projects) <= _MAX_PARTS else _MANY,
        fields=frozenset(_given(only)) | ({"used"} if used is not None else frozenset()),
        is_by_key=is_by_key,
        has_few=is_by_key and await _has_few(unit, tops, values),
    )
    listed = Template(_search, shape, values)
    found = await fetch_page(
        unit, listed, ordering=ordering(order), window=window, build=reader(unit)
    )
    return replace(found, count=partial(_count, unit, shape, values))


def _given(only: SecretSearch) -> Mapping[str, Any]:
    """Return the values of the search's fields on secrets."""
    given = {name: value for name, value in asdict(only).items() if value is not None}
    for name in ("holder_ids", "unused_since"):
        given.pop(name, None)
    if only.key_contains is not None:
        text = only.key_contains
        for special in (_ESCAPE, "%", "_"):
            text = text.replace(special, f"{_ESCAPE}{special}")
        given["key_contains"] = f"%{text}%"
    return given


async def _has_few(
    unit: ReadUnit, tops: Sequence[Holder] | None, values: Mapping[str, Any]
) -> bool:
    is_of_project = tops is not None and [top.kind for top in tops] == [Scope.PROJECT]
    if "updated_since" not in values or not (tops is None or is_of_project):
        return False
    counted = _COUNT_RECENT_OF_PROJECT if is_of_project else _COUNT_RECENT
    row = await unit.first(counted(**values))
    return row is not None and row[0] <= _FEW


async def _count(unit: ReadUnit, shape: _Shape, values: Mapping[str, Any]) -> int:
    # Without the rows of holders and targets, which the list joins.
    given = Parameters(values)
    wanted = or_(*_parts(given, shape)), *_chosen(given, shape)
    found = select(SECRET.c.id).where(*wanted).subquery()
    row = await unit.first(select(func.count()).select_from(found))
    return int(row[0]) if row else 0


def _search(given: Parameters, shape: _Shape) -> tuple[Select[Any], Parts]:
    # Each part has its own condition; all of them in each part would grow with the square.
    statement = selection().where(*_chosen(given, shape))
    return statement, Parts(selection(), SECRET.c.id, _parts(given, shape))


def _chosen(given: Parameters, shape: _Shape) -> Sequence[ColumnElement[bool]]:
    chosen = [condition(given) for name, condition in _CHOSEN.items() if name in shape.fields]
    if "updated_since" in shape.fields:
        compared = _UNINDEXED if shape.is_by_key else SECRET.c.updated_at
        chosen.append(compared >= _since(given))
    return chosen


def _parts(given: Parameters, shape: _Shape) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of which each secret of the list meets one."""
    organization = given.one("organization")
    if shape.has_few:
        recent = _recent(given, is_of_project=shape.projects is not None)
        return [SECRET.c.id.in_(recent.limit(_FEW))]
    if shape.projects is None:
        return [SECRET.c.organization_id == organization]
    narrow = given.each("narrow")
    below = select(HOLDER.c.id).where(HOLDER.c.environment_id.in_(narrow))
    is_below = SECRET.c.holder_id.in_(union(narrow, below))
    if shape.projects == _MANY:
        is_in = SECRET.c.project_id.in_(given.each("projects"))
        return [and_(SECRET.c.organization_id == organization, is_in), is_below]
    return [
        *(SECRET.c.project_id == given.one(_project(n)) for n in range(shape.projects)),
        is_below,
    ]
