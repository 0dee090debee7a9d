"""Checks a type's declared permission wherever an answer contains an object of it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from graphql import GraphQLResolveInfo

from gateway.domain.errors import Forbidden
from gateway.domain.permissions import Permission, Visibility

_log = structlog.get_logger(__name__)

Info = GraphQLResolveInfo[Any]
IsTypeOf = Callable[[Any, Info], Any]
_JUDGED_BY_HOLDER: Final = "Secret"


class TypeGuard:
    """The `is_type_of` of a type with a permission: the executor calls it for each object."""

    __slots__ = ("_is_type_of", "_may_get", "_name", "_permission")

    def __init__(self, name: str, permission: Permission, is_type_of: IsTypeOf | None) -> None:
        self._name = name
        self._permission = permission
        self._is_type_of = is_type_of
        self._may_get = _judge(name, permission)

    def __call__(self, value: Any, info: Info) -> bool:  # noqa: ANN401 - what the GraphQL library passes
        """Return whether the value is of the type.

        Raises:
            Forbidden: if the principal cannot have it.

        """
        if self._is_type_of is not None and not self._is_type_of(value, info):
            return False
        if not self.permits((value,), info):
            _log.error("policy_refused", type=self._name)
            raise Forbidden(self._permission)
        return True

    def permits(self, values: Sequence[Any], info: Info) -> bool:
        """Return whether the principal can have all of these objects of the type."""
        visibility = info.context.services.visibility(self._permission)
        may_get = self._may_get
        return all(may_get(visibility, value) for value in values)


def _judge(name: str, permission: Permission) -> Callable[[Visibility, Any], bool]:
    """Return the check for an object: by its holder, if its type has one."""
    if name == _JUDGED_BY_HOLDER:
        return lambda visibility, secret: visibility.covers(secret.source.holder)
    if permission is Permission.HIERARCHY_READ:
        return lambda visibility, holder: visibility.includes_ancestor_of(holder.source)
    return lambda visibility, _: visibility.is_anywhere
