"""Exceptions for the domain's refusals. Each carries the facts that its payload type shows."""

from collections.abc import Iterable, Sequence
from itertools import islice
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
    """Name the first of the secrets that the caller can see, and count the others."""
    return name_first((f"{secret.key} ({secret.id})" for secret in seen), total=total)


def name_first(names: Iterable[str], *, total: int) -> str:
    """Join the first of these names, and count the other secrets."""
    named = list(islice(names, _MAX_NAMED))
    if others := total - len(named):
        named.append("1 other secret" if others == 1 else f"{others} other secrets")
    return ", ".join(named)


def _existing(secret: Secret | None) -> str:
    return f"secret {secret.id} of scope {secret.scope}" if secret else "another secret"


class TooManyRows(InvalidInput):
    def __init__(self, maximum: int) -> None:
        super().__init__(Argument.ROWS, f"An import must have at most {maximum:,} secrets.")


class MountPathAsValue(InvalidInput):
    def __init__(self) -> None:
        super().__init__(
            Argument.VALUE,
            "The value is the mount path of a file with this key, as an export writes it. Give the "
            "content of the file instead.",
        )


class ImportScopeViolation(InvalidInput):
    def __init__(self, scope: Scope | None) -> None:
        super().__init__(Argument.SCOPE, f"The holder's chain has no scope {scope}.")


class ScopeViolation(BusinessError):
    code = ErrorCode.SCOPE_VIOLATION

    def __init__(self, *, source: Scope, target: Scope) -> None:
        super().__init__(
            f"A secret of scope {source} cannot refer to one of scope {target}: the target of an "
            "alias must have the same or a higher scope, the target of an override a higher scope.",
            Argument.SECRET,
        )
        self.source = source
        self.target = target


class AliasOfAlias(BusinessError):
    code = ErrorCode.ALIAS_OF_ALIAS

    def __init__(self, target_id: str, aliased: SecretFacts | None) -> None:
        super().__init__(
            f"Secret {target_id} is an alias. An alias cannot be aliased.", Argument.SECRET
        )
        self.aliased = aliased


class NotOverridable(BusinessError):
    code = ErrorCode.NOT_OVERRIDABLE

    def __init__(self, target_id: str, variable_type: SecretType) -> None:
        super().__init__(
            f"Secret {target_id} has the type {variable_type}. A secret of this type cannot be "
            "overridden.",
            Argument.SECRET,
        )
        self.variable_type = variable_type


class ReferencesNotUpdated(BusinessError):
    code = ErrorCode.REFERENCES_NOT_UPDATED

    def __init__(self, secrets: Sequence[Secret], hidden: int) -> None:
        total = len(secrets) + hidden
        super().__init__(
            f"References in {named_secrets(secrets, total=total)} cannot follow the rename: you "
            "cannot write the value, it would be too long, or it refers to another secret for some "
            "service.",
            Argument.KEY,
        )
        self.secrets = tuple(secrets[:_MAX_NAMED])
        self.hidden = total - len(self.secrets)


class ReadOnly(BusinessError):
    code = ErrorCode.READ_ONLY

    def __init__(self, secret_id: str, scope: Scope) -> None:
        super().__init__(
            f"Secret {secret_id} has the scope {scope}: it cannot be edited or deleted here.",
            Argument.SECRET,
        )
        self.scope = scope


class SecretNotFound(NotFound):
    def __init__(self, secret_id: str) -> None:
        super().__init__("secret", secret_id, Argument.SECRET)


class HolderNotFound(NotFound):
    def __init__(self, kind: Scope | None, holder_id: str) -> None:
        super().__init__(kind.label if kind else "holder", holder_id, Argument.HOLDER)


class OrganizationNotFound(GatewayError):
    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("No organization has that name.")


class KeyConflict(Conflict):
    def __init__(self, existing: Secret | None, *, key: str, holder: Holder) -> None:
        """Store what the caller asked for, and the secret that has the key.

        `existing` is None if the caller cannot see it. The answer is then the same for every
        position in the chain. `key` and `holder` are those of the request.
        """
        super().__init__(f"The key {key} is taken by {_existing(existing)}.", Argument.KEY)
        self.existing = existing
        self.key = key
        self.holder = holder


class DeliveryLimitExceeded(Conflict):
    code = ErrorCode.DELIVERY_LIMIT_EXCEEDED

    def __init__(self, maximum: str, argument: Argument, at: Holder | None) -> None:
        where = f"At {at.kind} {at.id}, a service" if at else "A service"
        super().__init__(
            f"{where} would see more than {maximum}, the maximum for a delivery.", argument
        )
        self.at = at

    @classmethod
    def of_keys(cls, maximum: int, at: Holder | None) -> Self:
        return cls(f"{maximum:,} keys", Argument.KEY, at)

    @classmethod
    def of_bytes(cls, maximum: int, at: Holder | None) -> Self:
        limit = f"{maximum // 1024 // 1024} MiB of values and files"
        return cls(limit, Argument.VALUE, at)


class MountPathConflict(Conflict):
    def __init__(self, existing: Secret | None) -> None:
        super().__init__(
            f"The mount path is taken by {_existing(existing)}: a service cannot have two files at "
            "one path, or a file at a path that another file needs as a folder.",
            Argument.MOUNT_PATH,
        )
        self.existing = existing


class OverrideConflict(Conflict):
    def __init__(self, existing: Secret) -> None:
        super().__init__(
            f"Secret {existing.id} of scope {existing.scope} already overrides {existing.key}.",
            Argument.SECRET,
        )
        self.existing = existing
        self.key = existing.key
        self.holder = existing.holder


class NameConflict(Conflict):
    def __init__(self, kind: Scope | None) -> None:
        label = kind.label if kind else "organization"
        super().__init__(f"The name is taken by another {label}.", Argument.NAME)


class HolderNotEmpty(Conflict):
    code = ErrorCode.NOT_EMPTY

    def __init__(self, holder_id: str, *, holders: int, secrets: int) -> None:
        super().__init__(
            f"Deleting {holder_id} would also delete {holders} holders and {secrets} secrets. Set "
            "withContent to confirm.",
            Argument.HOLDER,
        )
        self.holders = holders
        self.secrets = secrets


class SecretInUse(Conflict):
    code = ErrorCode.SECRET_IN_USE

    def __init__(self, secret_id: str, dependents: tuple[Secret, ...]) -> None:
        super().__init__(
            f"Other secrets refer to secret {secret_id}. Set withDependents to confirm.",
            Argument.SECRET,
        )
        self.dependents = dependents


class VersionConflict(Conflict):
    code = ErrorCode.VERSION_CONFLICT

    def __init__(self, secret_id: str, *, expected: int, actual: int) -> None:
        super().__init__(
            f"Secret {secret_id} has version {actual}, not {expected}. Read it again.",
            Argument.VERSION,
        )
        self.expected = expected
        self.actual = actual


class VersionNotKept(Conflict):
    code = ErrorCode.VERSION_NOT_KEPT

    def __init__(self, secret_id: str, version: int) -> None:
        super().__init__(
            f"Version {version} of secret {secret_id} cannot be brought back: the secret never had "
            "it, or it or its value is no longer kept.",
            Argument.FORMER_VERSION,
        )


class VersionIsPresent(Conflict):
    def __init__(self, secret_id: str, version: int) -> None:
        super().__init__(f"Secret {secret_id} has version {version} now.", Argument.FORMER_VERSION)


class SecretNotDeleted(Conflict):
    def __init__(self, secret_id: str) -> None:
        super().__init__(f"Secret {secret_id} is not deleted.", Argument.SECRET)


class TargetNotThere(Conflict):
    def __init__(self, secret_id: str) -> None:
        super().__init__(
            f"Secret {secret_id} cannot be brought back: its target is not there.",
            Argument.SECRET,
        )


class EntityTagConflict(Conflict):
    code = ErrorCode.VERSION_CONFLICT

    def __init__(self, secret_id: str) -> None:
        super().__init__(
            f"The entity tag of secret {secret_id} does not match the precondition. Read the "
            "secret again.",
            Argument.ENTITY_TAGS,
        )


class NameChanged(Conflict):
    code = ErrorCode.VERSION_CONFLICT

    def __init__(self, holder_id: str) -> None:
        super().__init__(
            f"Holder {holder_id} does not have the expected name. Read it again.",
            Argument.VERSION,
        )


class IdempotencyConflict(Conflict):
    code = ErrorCode.IDEMPOTENCY_CONFLICT

    def __init__(self) -> None:
        super().__init__(
            "The idempotency key was used for a different request. Use a new one.",
            Argument.IDEMPOTENCY_KEY,
        )
