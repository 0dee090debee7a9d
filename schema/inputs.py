"""GraphQL inputs and their conversion to the domain's drafts."""

from typing import Annotated, TypeVar

import strawberry
from strawberry import ID, UNSET, field

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
from gateway.domain.scopes import HOLDER_SCOPES
from gateway.domain.sealed import starred
from gateway.domain.secrets import DEFAULT_OWNER, ServiceReference
from gateway.services.imports import ImportRow
from schema.enums import APIVariableScopeEnum, LinkedServiceTypeEnum
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
    __repr__ = starred

    key: NewKey
    value: NewValue = UNSET
    mount_path: str | None = optional(
        "The absolute path to mount the secret at. It makes the secret a FILE."
    )
    description: Description = UNSET
    enable_interpolation_in_file: Interpolation = UNSET

    def draft(self) -> SecretDraft:
        """Return the domain's draft."""
        return SecretDraft(
            key=self.key,
            value=unset_to_none(self.value),
            mount_path=unset_to_none(self.mount_path),
            description=unset_to_none(self.description),
            enable_interpolation_in_file=unset_to_none(self.enable_interpolation_in_file),
        )


@strawberry.input(description="A secret to import.")
class ImportSecretInput(SecretInput):
    __repr__ = starred

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
        """Return the domain's draft."""
        return AliasDraft(
            key=self.key,
            description=unset_to_none(self.description),
            enable_interpolation_in_file=unset_to_none(self.enable_interpolation_in_file),
        )


@strawberry.input(description="Another value for a secret of a wider scope.")
class SecretOverrideInput:
    __repr__ = starred

    value: NewValue = UNSET
    description: Description = UNSET
    enable_interpolation_in_file: Interpolation = UNSET

    def draft(self) -> OverrideDraft:
        """Return the domain's draft."""
        return OverrideDraft(
            value=unset_to_none(self.value),
            description=unset_to_none(self.description),
            enable_interpolation_in_file=unset_to_none(self.enable_interpolation_in_file),
        )


@strawberry.input(description="New content for a secret. Omitted fields stay as they are.")
class SecretEditInput:
    __repr__ = starred

    key: str = field(description="The current key, or a new one.")
    value: str | None = optional(
        "The new value. Null also keeps the current value; an empty text clears it."
    )
    description: str | None = optional("The new description. Null removes it.")
    enable_interpolation_in_file: Interpolation = UNSET

    def draft(self) -> EditDraft:
        """Return the domain's draft."""
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
    __repr__ = starred

    key: Key
    value: str = field(description="The value, at most 64 KiB of UTF-8.")
    source: ServiceReferenceInput | None = optional(
        "The service that the secret comes from; for a BUILT_IN only."
    )
    owned_by: str | None = optional("The owner of the value; QOVERY if omitted.")
    description: Description = UNSET

    def draft(self) -> ProvidedDraft:
        """Return the domain's draft."""
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
