"""Every mutation by name, one line each."""

import strawberry

from gateway.domain.scopes import Scope
from schema.administration import (
    environment_creation,
    holder_deletion,
    holder_renaming,
    project_creation,
    registration,
    rotation,
    service_creation,
)
from schema.granting import (
    grant_revocation,
    granting,
    token_creation,
    token_revocation,
    user_registration,
    user_removal,
)
from schema.operations import (
    aliasing,
    creation,
    deletion,
    deletion_anywhere,
    editing,
    editing_anywhere,
    importing,
    overriding,
)


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
    edit_secret = editing_anywhere()
    delete_secret = deletion_anywhere()
    import_secrets = importing()

    create_project = project_creation()
    create_environment = environment_creation()
    create_service = service_creation()
    rename_holder = holder_renaming()
    delete_holder = holder_deletion()
    register_provided_secret = registration()
    rotate_provided_secret = rotation()

    create_api_token = token_creation()
    revoke_api_token = token_revocation()
    grant_role = granting()
    revoke_role = grant_revocation()
    register_user = user_registration()
    remove_user = user_removal()
