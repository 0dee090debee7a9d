"""The schema: its root types, all mutations by name, and scalars."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar

import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.content import read_moment
from gateway.domain.scopes import Scope
from schema.administration import (
    create_environment,
    create_project,
    create_service,
    delete_holder,
    register_provided_secret,
    rename_holder,
    rotate_provided_secret,
)
from schema.claim_rules import create_claim_rule, delete_claim_rule
from schema.errors import ERROR_TYPES
from schema.granting import (
    create_api_token,
    end_api_token,
    grant_role,
    register_user,
    remove_user,
    revoke_api_token,
    revoke_role,
)
from schema.holders import HOLDER_TYPES
from schema.operations import (
    aliasing,
    creation,
    delete_secret,
    deletion,
    edit_secret,
    editing,
    import_secrets,
    overriding,
)
from schema.queries import Query
from schema.restoring import (
    purge_holder_versions,
    purge_secret_versions,
    restore_secret,
    rollback_secret,
)
from schema.subscriptions import Subscription


@lru_cache(maxsize=16_384)
def _print(moment: datetime) -> str:
    # Every page of secrets prints a hundred, mostly the same as the page before.
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='microseconds')[:-6]}Z"


def _read(given: object) -> datetime:
    # A value of another type is refused like a text without an offset.
    return read_moment(given if isinstance(given, str) else "")


DATE_TIME: Final[ScalarDefinition] = strawberry.scalar(
    name="DateTime",
    description="An RFC 3339 date and time with an offset. Answers use UTC.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=_print,
    parse_value=_read,
)


Built = TypeVar("Built", bound=strawberry.Schema)
_DESCRIPTION: Final = (
    "A **secret** belongs to a **holder**: a project, an environment of a project, or a service in "
    "an environment. A service sees its own secrets, those of its environment and its project, and "
    "the **built-in** secrets of the platform. If several have the same key, the one with the "
    "narrowest scope wins. An **alias** gives a secret a second key and follows its target. An "
    "**override** gives the key of a wider scope another value, for its holder and all below it. "
    "You can write values but not read them: only `runtimeSecrets` returns them."
)


def build_schema(kind: type[Built], extensions: Sequence[type[SchemaExtension]] = ()) -> Built:
    """Return the schema as that kind of Strawberry's schemas."""
    schema = kind(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[*HOLDER_TYPES, *ERROR_TYPES],
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME}, disable_field_suggestions=True),
        extensions=extensions,
    )
    schema._schema.description = _DESCRIPTION  # noqa: SLF001 - Strawberry has no argument for it
    return schema


@strawberry.type(description="All mutations. Business errors are typed entries of `errors`.")
class Mutation:
    create_project_secret = creation(Scope.PROJECT)
    edit_project_secret = editing(Scope.PROJECT)
    delete_project_secret = deletion(Scope.PROJECT)
    create_project_secret_override = overriding(Scope.PROJECT)
    create_project_secret_alias = aliasing(Scope.PROJECT)

    create_environment_secret = creation(Scope.ENVIRONMENT)
    edit_environment_secret = editing(Scope.ENVIRONMENT)
    delete_environment_secret = deletion(Scope.ENVIRONMENT)
    create_environment_secret_override = overriding(Scope.ENVIRONMENT)
    create_environment_secret_alias = aliasing(Scope.ENVIRONMENT)

    create_application_secret = creation(Scope.APPLICATION)
    edit_application_secret = editing(Scope.APPLICATION)
    delete_application_secret = deletion(Scope.APPLICATION)
    create_application_secret_override = overriding(Scope.APPLICATION)
    create_application_secret_alias = aliasing(Scope.APPLICATION)

    create_container_secret = creation(Scope.CONTAINER)
    edit_container_secret = editing(Scope.CONTAINER)
    delete_container_secret = deletion(Scope.CONTAINER)
    create_container_secret_override = overriding(Scope.CONTAINER)
    create_container_secret_alias = aliasing(Scope.CONTAINER)

    create_job_secret = creation(Scope.JOB)
    edit_job_secret = editing(Scope.JOB)
    delete_job_secret = deletion(Scope.JOB)
    create_job_secret_override = overriding(Scope.JOB)
    create_job_secret_alias = aliasing(Scope.JOB)

    # The same for a holder of any kind, for a frontend that has one form for all of them.
    create_secret = creation(None)
    create_secret_override = overriding(None)
    create_secret_alias = aliasing(None)
    edit_secret = edit_secret
    delete_secret = delete_secret
    import_secrets = import_secrets
    rollback_secret = rollback_secret
    restore_secret = restore_secret
    purge_secret_versions = purge_secret_versions
    purge_holder_versions = purge_holder_versions

    create_project = create_project
    create_environment = create_environment
    create_service = create_service
    rename_holder = rename_holder
    delete_holder = delete_holder
    register_provided_secret = register_provided_secret
    rotate_provided_secret = rotate_provided_secret

    create_api_token = create_api_token
    end_api_token = end_api_token
    revoke_api_token = revoke_api_token
    grant_role = grant_role
    revoke_role = revoke_role
    create_claim_rule = create_claim_rule
    delete_claim_rule = delete_claim_rule
    register_user = register_user
    remove_user = remove_user
