"""The rules of aliases, overrides, edits and the hierarchy. They raise and do no I/O."""

from typing import Final

from gateway.domain.content import ensure_key
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.holders import Holder, Relation
from gateway.domain.refusals import (
    AliasOfAlias,
    MountPathAsValue,
    NameChanged,
    NotOverridable,
    ReadOnly,
    ScopeViolation,
    SecretNotFound,
    VersionConflict,
)
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import Secret, SecretFacts, SecretType

_OVERRIDABLE: Final = frozenset({SecretType.VALUE, SecretType.FILE, SecretType.EXTERNAL_SECRET})


def ensure_target_in_reach(target: Secret | None, target_id: str, holder: Holder) -> Secret:
    """Return the target if the holder may refer to it.

    Raises:
        SecretNotFound: for a target that does not exist or is outside the chain; the answer is the
            same.
        ScopeViolation: for a target of a holder below.

    """
    relation = holder.relation_of(target.holder) if target else Relation.APART
    if target is None or relation is Relation.APART:
        raise SecretNotFound(target_id)
    if relation is Relation.BELOW:
        return _refuse_lower_target(target, holder)
    return target


def _refuse_lower_target(target: Secret, holder: Holder) -> Secret:
    # A built-in secret has the highest scope for every holder, so its scope cannot be violated.
    # A holder above its own holder cannot see it.
    if target.is_built_in:
        raise SecretNotFound(target.id)
    raise ScopeViolation(source=holder.kind, target=target.scope)


def ensure_is_content(existing: Secret, value: str | None) -> None:
    """Refuse a file's mount path as the value of an imported row.

    Raises:
        MountPathAsValue: if the value is the mount path of the existing file.

    """
    if value and value == existing.mount_path_of_file:
        raise MountPathAsValue


def ensure_can_be_aliased(target: Secret, aliased: SecretFacts | None) -> None:
    """Refuse an alias of an alias.

    Raises:
        AliasOfAlias: with the secret that the target aliases, if the caller can see it.

    """
    if target.is_alias:
        raise AliasOfAlias(target.id, aliased)


def ensure_can_be_overridden(target: Secret, holder: Holder) -> None:
    """Refuse an override of a secret without its own value, or from a scope that is not lower.

    Raises:
        NotOverridable: for a built-in secret, an alias or another override.
        ScopeViolation: for the same scope.

    """
    if target.variable_type not in _OVERRIDABLE:
        raise NotOverridable(target.id, target.variable_type)
    if not holder.kind.is_lower_than(target.scope):
        raise ScopeViolation(source=holder.kind, target=target.scope)


def ensure_is_known(secret: Secret, *, supports_external: bool) -> None:
    """Refuse an external secret to a caller whose API cannot represent one.

    Raises:
        InvalidInput: saying what to use instead.

    """
    referred = (item.variable_type for item in (secret, secret.target) if item)
    if not supports_external and SecretType.EXTERNAL_SECRET in referred:
        raise InvalidInput(
            Argument.SECRET,
            f"Secret {secret.id} is an external secret or refers to one. Use the `/variable` "
            "paths.",
        )


def ensure_can_be_changed(secret: Secret) -> None:
    """Refuse to edit or delete a secret that the platform made.

    Raises:
        ReadOnly: for a built-in secret.

    """
    if secret.is_built_in:
        raise ReadOnly(secret.id, secret.scope)


def ensure_version(secret: Secret, expected: int | None) -> None:
    """Refuse to change another version than the one that the caller saw.

    Raises:
        VersionConflict: with both versions.

    """
    if expected is not None and expected != secret.version:
        raise VersionConflict(secret.id, expected=expected, actual=secret.version)


def ensure_name_is(holder: Holder, expected: str | None) -> None:
    """Refuse to change a holder that has another name than the caller saw.

    Raises:
        NameChanged: naming the holder by its id.

    """
    if expected is not None and expected != holder.name:
        raise NameChanged(holder.id)


def ensure_edit_is_allowed(secret: Secret, *, key: str, value: str | None) -> None:
    """Refuse an edit of what the secret only has through its target.

    A console sends the key of an alias's target as the alias's value. That changes nothing and is
    accepted.

    Raises:
        InvalidInput: for a new value of an alias or an external secret, for a new key of an
            override, or for a new key that callers cannot use.

    """
    if secret.is_override and key != secret.key:
        raise InvalidInput(
            Argument.KEY, "The key of an override cannot be edited: it is its target's key."
        )
    if key != secret.key:
        ensure_key(key)
    if secret.variable_type is SecretType.EXTERNAL_SECRET and value is not None:
        raise InvalidInput(
            Argument.VALUE,
            f"Secret {secret.id} has its value in an external secret manager. Edit it there.",
        )
    is_echo = secret.target is not None and value == secret.target.key
    if secret.is_alias and value is not None and not is_echo:
        raise InvalidInput(Argument.VALUE, "An alias has its target's value. Edit the target.")


def ensure_can_be_below(kind: Scope, parent: Scope | None) -> None:
    """Refuse a holder below a parent of the wrong kind.

    Raises:
        InvalidInput: naming both kinds.

    """
    if not kind.is_holder or parent is not kind.parent:
        position = f"below {parent}" if parent else "without a parent"
        raise InvalidInput(Argument.HOLDER, f"A holder of kind {kind} cannot be {position}.")


def service_scope(service_type: ServiceType) -> Scope:
    """Return the scope of the secrets of a service of that type.

    Raises:
        InvalidInput: for a database, which cannot hold secrets.

    """
    if service_type is ServiceType.DATABASE:
        raise InvalidInput(Argument.KIND, "A DATABASE cannot hold secrets.")
    return Scope(service_type.value)
