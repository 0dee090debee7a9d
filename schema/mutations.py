"""Every mutation by name, one line each."""

import strawberry

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
from schema.granting import (
    create_api_token,
    grant_role,
    register_user,
    remove_user,
    revoke_api_token,
    revoke_role,
)
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

    create_project = create_project
    create_environment = create_environment
    create_service = create_service
    rename_holder = rename_holder
    delete_holder = delete_holder
    register_provided_secret = register_provided_secret
    rotate_provided_secret = rotate_provided_secret

    create_api_token = create_api_token
    revoke_api_token = revoke_api_token
    grant_role = grant_role
    revoke_role = revoke_role
    register_user = register_user
    remove_user = remove_user
