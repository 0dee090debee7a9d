"""What the builders of mutations share: arguments and write options."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import strawberry

from gateway.domain.drafts import HolderReference, WriteOptions
from gateway.domain.errors import Argument
from gateway.domain.permissions import Permission
from gateway.domain.scopes import Scope
from schema.fields import ANY_HOLDER
from schema.inputs import SecretHolderRef, unset_to_none
from schema.run_mutation import ARGUMENT_PATHS, ArgumentPaths

Holder = strawberry.ID | SecretHolderRef
Resolver = Callable[..., Any]
IdempotencyKey = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "A key that makes the request safe to repeat. Sent again with the same key within 24 "
            "hours, the same request takes effect once and returns the same answer. REST: the "
            "header Idempotency-Key."
        )
    ),
]
ExpectedVersion = Annotated[
    int | None,
    strawberry.argument(
        description=(
            "Change the secret only if it has this version; otherwise return a "
            "VersionConflictError."
        )
    ),
]
UpdateReferences = Annotated[
    bool | None,
    strawberry.argument(
        description=(
            "If the key changes, rewrite all values that refer to the old key in double braces, or "
            "none. A ReferencesNotUpdatedError names those that cannot follow."
        )
    ),
]
IfMatch = Annotated[
    str | None,
    strawberry.argument(
        description=(
            'Change the secret only if its `etag` is one of these: `"a1b2"`, `"a1b2", "c3d4"`, or '
            "`*` for any. Otherwise return a ConflictError with the code VERSION_CONFLICT. REST: "
            "the header If-Match."
        )
    ),
]
ExpectedName = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Change the holder only if it has this name; otherwise return a ConflictError with the "
            "code VERSION_CONFLICT."
        )
    ),
]
SecretId = Annotated[
    strawberry.ID,
    strawberry.argument(
        description="The UUID of the secret; for a new alias or override, of its target."
    ),
]
DATA: Final = strawberry.argument(description="The data to write.")
DryRun = Annotated[
    bool | None, strawberry.argument(description="Return what would happen, and write nothing.")
]


def mutation(
    description: str,
    *,
    scope: Scope | None = None,
    permission: Permission = Permission.SECRET_WRITE,
) -> Callable[[Resolver], Any]:
    """Make a mutation of a resolver. Its argument `holder` takes that scope, or any if None."""

    def make(resolve: Resolver) -> Any:  # noqa: ANN401 - what strawberry.mutation returns
        if resolve.__annotations__.get("holder") == Holder:
            resolve.__annotations__["holder"] = _holder_argument(scope)
        metadata = {Permission: permission}
        return strawberry.mutation(resolve, description=description, metadata=metadata)

    return make


def _holder_argument(scope: Scope | None) -> Any:  # noqa: ANN401 - a type, made at run time
    if scope is None:
        return Annotated[SecretHolderRef, ANY_HOLDER]
    return Annotated[
        strawberry.ID,
        strawberry.argument(name=scope.id_argument, description=f"The UUID of {scope.phrase}."),
    ]


def reference(scope: Scope | None, holder: Holder) -> HolderReference:
    """Return the reference to the holder that an argument names."""
    if isinstance(holder, SecretHolderRef):
        return holder.reference()
    return HolderReference(scope, holder)


def options(
    *,
    idempotency_key: str | None = None,
    expected_version: int | None = None,
    if_match: str | None = None,
    expected_name: str | None = None,
    dry_run: bool | None = None,
    supports_external: bool = True,
) -> WriteOptions:
    """Return the write options that a mutation's arguments set."""
    return WriteOptions(
        dry_run=bool(unset_to_none(dry_run)),
        idempotency_key=unset_to_none(idempotency_key),
        expected_version=unset_to_none(expected_version),
        supports_external=supports_external,
        if_match=unset_to_none(if_match),
        expected_name=unset_to_none(expected_name),
    )


def scope_phrase(scope: Scope | None) -> str:
    """Return the phrase that says where a mutation writes, for its description."""
    return f" at the {scope.label}" if scope else " at a holder of any kind"


def holder_paths(scope: Scope | None) -> ArgumentPaths:
    """Return the argument paths of a mutation whose holder is of that scope, or of any if None."""
    return ARGUMENT_PATHS | {Argument.HOLDER: [scope.id_argument]} if scope else ARGUMENT_PATHS
