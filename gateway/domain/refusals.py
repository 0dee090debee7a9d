"""The ways in which the domain refuses: each class knows the facts that its type can tell."""

from collections.abc import Sequence
from typing import Final, Self

from gateway.domain.errors import (
    Argument,
    BusinessError,
    Conflict,
    ErrorCode,
    GatewayError,
    InvalidInput,
    NotFound,
)
from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretFacts, SecretType

_MAX_NAMED: Final = 20


def named_secrets(seen: Sequence[Secret], *, total: int) -> str:
    """Name the first of the secrets that the caller can see, and count all others."""
    named = [f"{secret.key} ({secret.id})" for secret in seen[:_MAX_NAMED]]
    if others := total - len(named):
        named.append("1 other secret" if others == 1 else f"{others} other secrets")
    return ", ".join(named)


def _existing(secret: Secret | None) -> str:
    return f"secret {secret.id} of scope {secret.scope}" if secret else "another secret"


class TooManyRows(InvalidInput):
    """An import has more rows than are taken at once."""

    def __init__(self, most: int) -> None:
        super().__init__(Argument.ROWS, f"At most {most:,} secrets are imported at once.")


class MountPathAsValue(InvalidInput):
    """An import would replace the content of a file by the path where the file is mounted."""

    def __init__(self) -> None:
        super().__init__(
            Argument.VALUE,
            "The value is only the mount path of a file with this key, as an export shows it. It "
            "is not stored as a value.",
        )


class ImportScopeViolation(InvalidInput):
    """A row is to be imported at a scope that the holder's chain does not have."""

    def __init__(self, scope: Scope | None) -> None:
        super().__init__(Argument.SCOPE, f"The holder's chain has no {scope} to import to.")


class ScopeViolation(BusinessError):
    """A reference would point at a scope where it may not."""

    code = ErrorCode.SCOPE_VIOLATION

    def __init__(self, *, source: Scope, target: Scope) -> None:
        super().__init__(
            f"A secret of scope {target} cannot be referred to from scope {source}: an alias needs "
            "a target of the same or a higher scope, an override one of a higher scope.",
            Argument.SECRET,
        )
        self.source = source
        self.target = target


class AliasOfAlias(BusinessError):
    """The target of a new alias is an alias itself."""

    code = ErrorCode.ALIAS_OF_ALIAS

    def __init__(self, target_id: str, aliased: SecretFacts | None) -> None:
        super().__init__(
            f"Secret {target_id} is an alias, and an alias cannot be aliased.", Argument.SECRET
        )
        self.aliased = aliased


class NotOverridable(BusinessError):
    """The target of a new override has no value that could be replaced."""

    code = ErrorCode.NOT_OVERRIDABLE

    def __init__(self, target_id: str, variable_type: SecretType) -> None:
        super().__init__(
            f"Secret {target_id} is of type {variable_type}, which cannot be overridden.",
            Argument.SECRET,
        )
        self.variable_type = variable_type


class ReferencesNotUpdated(BusinessError):
    """References to a renamed secret cannot all follow it, so nothing is renamed."""

    code = ErrorCode.REFERENCES_NOT_UPDATED

    def __init__(self, secrets: Sequence[Secret], hidden: int) -> None:
        total = len(secrets) + hidden
        super().__init__(
            f"References in {named_secrets(secrets, total=total)} cannot follow the rename: the "
            "value cannot be written by you, would be too long, or refers to another secret for "
            "some service.",
            Argument.KEY,
        )
        self.secrets = tuple(secrets[:_MAX_NAMED])
        self.hidden = total - len(self.secrets)


class ReadOnly(BusinessError):
    """The secret is the platform's and cannot be changed here."""

    code = ErrorCode.READ_ONLY

    def __init__(self, secret_id: str, scope: Scope) -> None:
        super().__init__(
            f"Secret {secret_id} is {scope}: it cannot be edited or deleted here.",
            Argument.SECRET,
        )
        self.scope = scope


class SecretNotFound(NotFound):
    """The secret cannot be seen from here."""

    def __init__(self, secret_id: str) -> None:
        super().__init__("secret", secret_id, Argument.SECRET)


class HolderNotFound(NotFound):
    """The holder cannot be seen by the caller."""

    def __init__(self, kind: Scope | None, holder_id: str) -> None:
        super().__init__(kind.label if kind else "holder", holder_id, Argument.HOLDER)


class OrganizationNotFound(GatewayError):
    """The instance has no organization of that name."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("There is no organization of that name.")


class KeyConflict(Conflict):
    """The key is taken along the chain."""

    def __init__(self, existing: Secret | None, *, key: str, holder: Holder) -> None:
        """Keep the secret that has the key; None for one that the caller cannot see.

        Then the answer is the same, wherever in the chain that secret is. `key` and `holder` are
        the caller's own: what the caller wanted to use, and where.
        """
        super().__init__(f"The key {key} is taken by {_existing(existing)}.", Argument.KEY)
        self.existing = existing
        self.key = key
        self.holder = holder


class DeliveryLimitExceeded(Conflict):
    """Some service would see more than one delivery can have."""

    code = ErrorCode.DELIVERY_LIMIT_EXCEEDED

    def __init__(self, maximum: str, argument: Argument, at: Holder | None) -> None:
        where = f"At {at.kind} {at.id}, a service" if at else "A service"
        super().__init__(
            f"{where} would see more than {maximum}, the most that a delivery can have.", argument
        )
        self.at = at

    @classmethod
    def of_keys(cls, maximum: int, at: Holder | None) -> Self:
        """Refuse one more key."""
        return cls(f"{maximum:,} keys", Argument.KEY, at)

    @classmethod
    def of_bytes(cls, maximum: int, at: Holder | None) -> Self:
        """Refuse a value, or an alias of one."""
        limit = f"{maximum // 1024 // 1024} MiB of values and files"
        return cls(limit, Argument.VALUE, at)


class MountPathConflict(Conflict):
    """Some service would get two files that cannot be at their paths together."""

    def __init__(self, existing: Secret | None) -> None:
        super().__init__(
            f"A service would get another file at that mount path, or a file where the other one "
            f"needs a folder: it is that of {_existing(existing)}.",
            Argument.MOUNT_PATH,
        )
        self.existing = existing


class OverrideConflict(Conflict):
    """The holder overrides that secret already."""

    def __init__(self, existing: Secret) -> None:
        super().__init__(
            f"Secret {existing.id} of scope {existing.scope} overrides {existing.key} already.",
            Argument.SECRET,
        )
        self.existing = existing
        self.key = existing.key
        self.holder = existing.holder


class NameConflict(Conflict):
    """A holder of the same kind has that name at the same place."""

    def __init__(self, kind: Scope | None) -> None:
        kind_label = kind.label if kind else "organization"
        super().__init__(f"The name is taken by another {kind_label} there.", Argument.NAME)


class HolderNotEmpty(Conflict):
    """Secrets or holders would go with the holder, and that was not asked for."""

    code = ErrorCode.NOT_EMPTY

    def __init__(self, holder_id: str, *, holders: int, secrets: int) -> None:
        super().__init__(
            f"With {holder_id} would go {holders} holders below it and {secrets} secrets; "
            "ask for that explicitly.",
            Argument.HOLDER,
        )
        self.holders = holders
        self.secrets = secrets


class SecretInUse(Conflict):
    """Other secrets refer to the secret, and the caller did not ask to delete it all the same."""

    code = ErrorCode.SECRET_IN_USE

    def __init__(self, secret_id: str, dependents: tuple[Secret, ...]) -> None:
        super().__init__(
            f"Other secrets refer to secret {secret_id}. Set withDependents to confirm.",
            Argument.SECRET,
        )
        self.dependents = dependents


class VersionConflict(Conflict):
    """The secret was changed since the caller last saw it."""

    code = ErrorCode.VERSION_CONFLICT

    def __init__(self, secret_id: str, *, expected: int, actual: int) -> None:
        super().__init__(
            f"Secret {secret_id} is at version {actual}, not {expected}: look at it again.",
            Argument.VERSION,
        )
        self.expected = expected
        self.actual = actual


class EntityTagConflict(Conflict):
    """The secret, or what it refers to, was changed since the caller last saw it."""

    code = ErrorCode.VERSION_CONFLICT

    def __init__(self, secret_id: str) -> None:
        super().__init__(
            f"Secret {secret_id} has another entity tag than the precondition names: look at it "
            "again.",
            Argument.ENTITY_TAGS,
        )


class NameChanged(Conflict):
    """The holder has another name than the caller expects."""

    code = ErrorCode.VERSION_CONFLICT

    def __init__(self, holder_id: str) -> None:
        super().__init__(
            f"Holder {holder_id} does not have the expected name: look at it again.",
            Argument.VERSION,
        )


class IdempotencyConflict(Conflict):
    """The idempotency key was used for another request."""

    code = ErrorCode.IDEMPOTENCY_CONFLICT

    def __init__(self) -> None:
        super().__init__(
            "The idempotency key was used for a different request; take a new one.",
            Argument.IDEMPOTENCY_KEY,
        )
