"""Permissions, and the roles that carry them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    SECRET_READ = "secret:read"  # noqa: S105 - a permission's name
    SECRET_WRITE = "secret:write"  # noqa: S105 - a permission's name
    SECRET_DELIVER = "secret:deliver"  # noqa: S105 - as above
    HIERARCHY_READ = "hierarchy:read"
    HIERARCHY_WRITE = "hierarchy:write"
    ACCESS_MANAGE = "access:manage"
    AUDIT_READ = "audit:read"
    # Only OPERATOR carries it. Nobody can grant or revoke a role with permissions that they lack,
    # so only an operator can make or remove another one.
    INSTANCE_WRITE = "instance:write"


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    RUNTIME = "runtime"
    ADMIN = "admin"
    AUDITOR = "auditor"
    OPERATOR = "operator"


_VIEWS: Final = frozenset({Permission.SECRET_READ, Permission.HIERARCHY_READ})

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWS,
    Role.EDITOR: _VIEWS | {Permission.SECRET_WRITE},
    # All that a service needs to start: its values.
    Role.RUNTIME: frozenset({Permission.SECRET_DELIVER}),
    Role.ADMIN: frozenset(Permission) - {Permission.INSTANCE_WRITE},
    # The audit log and the hierarchy, but no list of secrets.
    Role.AUDITOR: frozenset({Permission.AUDIT_READ, Permission.HIERARCHY_READ}),
    # INSTANCE_WRITE is apart from ADMIN: an administrator of one organization must not create
    # others.
    Role.OPERATOR: frozenset(Permission),
}
