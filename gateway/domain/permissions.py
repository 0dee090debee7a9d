"""What a caller may do, as data: permissions, and the roles that carry them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Permission(StrEnum):
    """One thing that can be allowed."""

    SECRET_READ = "secret:read"  # noqa: S105 - a permission's name, no password
    SECRET_WRITE = "secret:write"  # noqa: S105 - a permission's name, no password
    SECRET_DELIVER = "secret:deliver"  # noqa: S105 - as above
    HIERARCHY_READ = "hierarchy:read"
    HIERARCHY_WRITE = "hierarchy:write"
    ACCESS_MANAGE = "access:manage"
    AUDIT_READ = "audit:read"
    # Only OPERATOR carries it, and nobody gives or takes away a role that carries more than they
    # have: so it is what it takes to make or unmake an operator.
    INSTANCE_WRITE = "instance:write"


class Role(StrEnum):
    """A bundle of permissions that a token or a user is granted at a place."""

    VIEWER = "viewer"
    EDITOR = "editor"
    RUNTIME = "runtime"
    ADMIN = "admin"
    AUDITOR = "auditor"
    OPERATOR = "operator"


_VIEWS: Final = frozenset({Permission.SECRET_READ, Permission.HIERARCHY_READ})

ROLES: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWS,
        Role.EDITOR: _VIEWS | {Permission.SECRET_WRITE},
        # What a service needs to start: its values, and nothing else.
        Role.RUNTIME: frozenset({Permission.SECRET_DELIVER}),
        Role.ADMIN: frozenset(Permission) - {Permission.INSTANCE_WRITE},
        # What happened and where; not what secrets there are.
        Role.AUDITOR: frozenset({Permission.AUDIT_READ, Permission.HIERARCHY_READ}),
        # An administrator of one organization must not make others.
        Role.OPERATOR: frozenset(Permission),
    },
)
