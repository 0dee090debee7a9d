"""Inputs, filters and orders of clients, as the domain's objects."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import strawberry
from strawberry import ID, UNSET, field

from gateway.domain.content import repr_without_values
from gateway.domain.drafts import (
    KEPT,
    AliasDraft,
    EditDraft,
    HolderReference,
    Kept,
    OverrideDraft,
    ProvidedDraft,
    SecretDraft,
)
from gateway.domain.pages import ANY_SECRET, BY_KEY, EVERY_SECRET, MAX_PAGE_SIZE, Window, window
from gateway.domain.pages import SecretFilter as DomainFilter
from gateway.domain.pages import SecretOrder as DomainOrder
from gateway.domain.pages import SecretOrderField as DomainOrderField
from gateway.domain.pages import SecretSearch as DomainSearch
from gateway.domain.scopes import HOLDER_SCOPES
from gateway.domain.secrets import DEFAULT_OWNER, ServiceReference
from gateway.services.imports import ImportRow
from schema.enums import (
    APIVariableScopeEnum,
    APIVariableTypeEnum,
    LinkedServiceTypeEnum,
    OrderDirection,
    SecretOrderField,
    SecretSearchOrderField,
)
from schema.fields import Interpolation, Key, optional

Value = TypeVar("Value")

NewKey = Annotated[
    str,
    field(
        description="The key: at most 255 letters, digits and underscores, starting with a letter."
    ),
]
NewValue = Annotated[
    str | None, field(description="The value, at most 64 KiB of UTF-8; empty if omitted.")
]
Description = Annotated[
    str | None, field(description="What the secret is for, at most 255 characters.")
]


def unset_to_none(argument: Value | None) -> Value | None:
    """Return the argument; None if it is null or omitted."""
    return None if argument is UNSET else argument


def unset_to_kept(argument: Value | None) -> Value | Kept | None:
    """Return the argument; None (null) clears a field, and KEPT (omitted) leaves it as it is."""
    return KEPT if argument is UNSET else argument


@strawberry.input(one_of=True, description="Refers to one holder. Exactly one field must be set.")
class SecretHolderRef:
    project_id: ID | None = optional("The UUID of a project.")
    environment_id: ID | None = optional("The UUID of an environment.")
    application_id: ID | None = optional("The UUID of an application.")
    container_id: ID | None = optional("The UUID of a container.")
    job_id: ID | None = optional("The UUID of a job.")
    helm_id: ID | None = optional("The UUID of a Helm chart.")
    terraform_id: ID | None = optional("The UUID of a Terraform stack.")
    agentic_workflow_id: ID | None = optional("The UUID of an agentic workflow.")

    def reference(self) -> HolderReference:
        """Return the reference to the named holder."""
        named = {
            scope: unset_to_none(getattr(self, f"{scope.lower()}_id")) for scope in HOLDER_SCOPES
        }
        return next(HolderReference(scope, at) for scope, at in named.items() if at is not None)


@strawberry.input(description="A new secret.")
class SecretInput:
    __repr__ = repr_without_values

    key: NewKey
    value: NewValue = UNSET
    mount_path: str | None = optional(
        "The absolute path to mount the secret at. It makes the secret a FILE."
    )
    description: Description = UNSET
    enable_interpolation_in_file: Interpolation = UNSET

    def draft(self) -> SecretDraft:
        return SecretDraft(
            key=self.key,
            value=unset_to_none(self.value),
            mount_path=unset_to_none(self.mount_path),
            description=unset_to_none(self.description),
            enable_interpolation_in_file=unset_to_none(self.enable_interpolation_in_file),
        )


@strawberry.input(description="A secret to import.")
class ImportSecretInput(SecretInput):
    __repr__ = repr_without_values

    scope: APIVariableScopeEnum | None = field(
        default=UNSET,
        description=(
            "The scope to import the secret to: that of the holder (if omitted) or of one above it."
        ),
    )

    def row(self) -> ImportRow:
        """Return the row of the import."""
        return ImportRow(self.draft(), unset_to_none(self.scope))


@strawberry.input(description="A new key for a secret. REST: the body of POST …/alias.")
class SecretAliasInput:
    key: NewKey
    description: Description = UNSET
    enable_interpolation_in_file: Interpolation = UNSET

    def draft(self) -> AliasDraft:
        return AliasDraft(
            key=self.key,
            description=unset_to_none(self.description),
            enable_interpolation_in_file=unset_to_none(self.enable_interpolation_in_file),
        )


@strawberry.input(description="Another value for a secret of a wider scope.")
class SecretOverrideInput:
    __repr__ = repr_without_values

    value: NewValue = UNSET
    description: Description = UNSET
    enable_interpolation_in_file: Interpolation = UNSET

    def draft(self) -> OverrideDraft:
        return OverrideDraft(
            value=unset_to_none(self.value),
            description=unset_to_none(self.description),
            enable_interpolation_in_file=unset_to_none(self.enable_interpolation_in_file),
        )


@strawberry.input(description="New content for a secret. Omitted fields stay as they are.")
class SecretEditInput:
    __repr__ = repr_without_values

    key: str = field(description="The current key, or a new one.")
    value: str | None = optional(
        "The new value. Null also keeps the current value; an empty text clears it."
    )
    description: str | None = optional("The new description. Null removes it.")
    enable_interpolation_in_file: Interpolation = UNSET

    def draft(self) -> EditDraft:
        return EditDraft(
            key=self.key,
            value=unset_to_none(self.value),
            description=unset_to_kept(self.description),
            enable_interpolation_in_file=unset_to_kept(self.enable_interpolation_in_file),
        )


@strawberry.input(description="The service that a built-in secret comes from.")
class ServiceReferenceInput:
    id: ID = field(description="The service's UUID on the platform.")
    name: str = field(description="The service's name on the platform.")
    type: LinkedServiceTypeEnum = field(description="The kind of service.")


@strawberry.input(
    description=(
        "A secret that the platform or an external secret manager provides. With a source it is a "
        "BUILT_IN of the platform, whose key can begin with QOVERY_; without one it is an "
        "EXTERNAL_SECRET."
    )
)
class ProvidedSecretInput:
    __repr__ = repr_without_values

    key: Key
    value: str = field(description="The value, at most 64 KiB of UTF-8.")
    source: ServiceReferenceInput | None = optional(
        "The service that the secret comes from; for a BUILT_IN only."
    )
    owned_by: str | None = optional("The owner of the value; QOVERY if omitted.")
    description: Description = UNSET

    def draft(self) -> ProvidedDraft:
        source = unset_to_none(self.source)
        return ProvidedDraft(
            key=self.key,
            value=self.value,
            owned_by=unset_to_none(self.owned_by) or DEFAULT_OWNER,
            description=unset_to_none(self.description),
            source=(
                ServiceReference(id=source.id, name=source.name, type=source.type)
                if source
                else None
            ),
        )


Given = TypeVar("Given")


@strawberry.input(description="Returns the secrets that match every given field.")
class SecretFilter:
    key_prefix: str | None = optional("Keys that start with this text.")
    keys: list[str] | None = optional("Any of these keys.")
    scopes: list[APIVariableScopeEnum] | None = optional("Any of these scopes.")
    variable_types: list[APIVariableTypeEnum] | None = optional("Any of these types.")

    def to_domain(self) -> DomainFilter:
        return DomainFilter(
            key_prefix=unset_to_none(self.key_prefix),
            keys=_tuple(self.keys),
            scopes=_tuple(self.scopes),
            variable_types=_tuple(self.variable_types),
        )


@strawberry.input(description="Returns the secrets that match every given field.")
class SecretSearch:
    key_contains: str | None = optional("Keys that contain this text, in any case.")
    keys: list[str] | None = optional("Any of these keys.")
    scopes: list[APIVariableScopeEnum] | None = optional("Any of these scopes.")
    variable_types: list[APIVariableTypeEnum] | None = optional("Any of these types.")
    updated_since: datetime | None = optional("Created or changed at this time or later.")
    unused_since: datetime | None = optional(
        "Not delivered to a service at this time or later, as far as you can read the audit log."
    )
    holder_ids: list[ID] | None = optional(
        "Secrets of any of these projects, environments and services, and of all below them."
    )

    def to_domain(self) -> DomainSearch:
        return DomainSearch(
            key_contains=unset_to_none(self.key_contains),
            keys=_tuple(self.keys),
            scopes=_tuple(self.scopes),
            variable_types=_tuple(self.variable_types),
            updated_since=unset_to_none(self.updated_since),
            unused_since=unset_to_none(self.unused_since),
            holder_ids=_tuple(self.holder_ids),
        )


@strawberry.input(description="An order of all secrets. Ties are broken by id.")
class SecretSearchOrder:
    field: SecretSearchOrderField = strawberry.field(
        default=SecretSearchOrderField.KEY, description="The field to order by."
    )
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="The direction of the order."
    )

    def to_domain(self) -> DomainOrder:
        return DomainOrder(
            field=DomainOrderField(self.field),
            is_descending=self.direction is OrderDirection.DESC,
        )


@strawberry.input(description="An order of secrets. Ties are broken by id, so pages are stable.")
class SecretOrder:
    field: SecretOrderField = strawberry.field(
        default=SecretOrderField.KEY, description="The field to order by."
    )
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="The direction of the order."
    )

    def to_domain(self) -> DomainOrder:
        return DomainOrder(field=self.field, is_descending=self.direction is OrderDirection.DESC)


def _tuple(items: Sequence[Given] | None) -> tuple[Given, ...] | None:
    chosen = unset_to_none(items)
    return None if chosen is None else tuple(chosen)


def to_order(order_by: SecretOrder | SecretSearchOrder | None) -> DomainOrder:
    """Return the requested order, or the one by key."""
    order = None if order_by is UNSET else order_by
    return order.to_domain() if order else BY_KEY


def to_filter(only: SecretFilter | None) -> DomainFilter:
    """Return the requested filter, or the one that matches every secret."""
    chosen = unset_to_none(only)
    return chosen.to_domain() if chosen else ANY_SECRET


def to_search(only: SecretSearch | None) -> DomainSearch:
    """Return the requested search, or the one that matches every secret."""
    chosen = unset_to_none(only)
    return chosen.to_domain() if chosen else EVERY_SECRET


def to_window(
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
    *,
    max_size: int = MAX_PAGE_SIZE,
) -> Window:
    """Return the window that the four arguments of a connection set.

    Raises:
        InvalidInput: if both sizes are set, or one is out of bounds.

    """
    return window(
        first=unset_to_none(first),
        after=unset_to_none(after),
        last=unset_to_none(last),
        before=unset_to_none(before),
        max_size=max_size,
    )
