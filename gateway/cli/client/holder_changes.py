"""`project|environment|service create`, `rename` and `delete`, over the API."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Final

import typer

from gateway.cli.client.documents import (
    CONTENTS,
    CREATE_ENVIRONMENT,
    CREATE_PROJECT,
    CREATE_SERVICE,
    DELETE_HOLDER,
    RENAME_HOLDER,
)
from gateway.cli.client.holders import (
    EnvironmentPath,
    ProjectPath,
    argument_of,
    facts_of,
    holder_of_kind,
)
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.facts import Facts, NewName, print_deleted_holders, print_holder
from gateway.cli.options import AsJson, DryRun, ServiceKind, WithContent
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope

_AT_ONCE: Final = 100
_Kinds = tuple[Scope, ...]
_PROJECT: Final[_Kinds] = (Scope.PROJECT,)
_ENVIRONMENT: Final[_Kinds] = (Scope.ENVIRONMENT,)


def create_project(context: typer.Context, name: NewName, *, as_json: AsJson = False) -> None:
    _print_created(connect(context).change(CREATE_PROJECT, name=name), as_json=as_json)


def create_environment(
    context: typer.Context, name: NewName, project: ProjectPath, *, as_json: AsJson = False
) -> None:
    gateway = connect(context)
    parent = holder_of_kind(gateway, project, _PROJECT, "--project")
    made = gateway.change(CREATE_ENVIRONMENT, projectId=parent.id, name=name)
    _print_created(made, as_json=as_json)


def create_service(
    context: typer.Context,
    name: NewName,
    kind: ServiceKind,
    environment: EnvironmentPath,
    *,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    parent = holder_of_kind(gateway, environment, _ENVIRONMENT, "--environment")
    made = gateway.change(CREATE_SERVICE, environmentId=parent.id, type=kind, name=name)
    _print_created(made, as_json=as_json)


def _print_created(payload: Data, *, as_json: bool) -> None:
    print_holder("created", facts_of(payload["holder"]), as_json=as_json)


def _rename_of(kinds: _Kinds, metavar: str) -> Callable[..., None]:
    """Return the command that renames a holder of a kind."""
    which = Annotated[str, typer.Argument(metavar=metavar, help="Its path or id.")]

    def rename(
        context: typer.Context, holder: which, name: NewName, *, as_json: AsJson = False
    ) -> None:
        gateway = connect(context)
        found = holder_of_kind(gateway, holder, kinds, metavar)
        payload = gateway.change(RENAME_HOLDER, holder=argument_of(found), name=name)
        print_holder("renamed", facts_of(payload["holder"]), as_json=as_json)

    return rename


def _delete_of(kinds: _Kinds, metavar: str) -> Callable[..., None]:
    """Return the command that deletes a holder of a kind."""
    which = Annotated[str, typer.Argument(metavar=metavar, help="Its path or id.")]

    def delete(
        context: typer.Context,
        holder: which,
        *,
        with_content: WithContent = False,
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        gateway = connect(context)
        found = holder_of_kind(gateway, holder, kinds, metavar)
        options = {"holder": argument_of(found), "withContent": with_content}
        tried = gateway.change(DELETE_HOLDER, **options, dryRun=True)
        # The names are gone with the holders.
        existing = sorted(_contents(gateway, tried["deletedHolderIds"]), key=_width)
        if not dry_run:
            gateway.change(DELETE_HOLDER, **options, dryRun=False)
        print_deleted_holders(existing, dry_run=dry_run, as_json=as_json)

    return delete


def _contents(gateway: Gateway, ids: Sequence[str]) -> Iterator[Facts]:
    """Yield holders with the number of their secrets."""
    for start in range(0, len(ids), _AT_ONCE):
        found = gateway.run(CONTENTS, ids=ids[start : start + _AT_ONCE])["nodes"]
        for row in filter(None, found):
            yield {**facts_of(row), "secrets": row["secrets"]["totalCount"]}


def _width(holder: Facts) -> tuple[int, str]:
    """Return what sorts the widest first, and then by name."""
    kind = holder["kind"].upper()
    return HOLDER_SCOPES.index(kind), holder["name"]


rename_project = _rename_of(_PROJECT, "PROJECT")
rename_environment = _rename_of(_ENVIRONMENT, "PROJECT/ENVIRONMENT")
rename_service = _rename_of(SERVICE_SCOPES, "PROJECT/ENVIRONMENT/SERVICE")
delete_project = _delete_of(_PROJECT, "PROJECT")
delete_environment = _delete_of(_ENVIRONMENT, "PROJECT/ENVIRONMENT")
delete_service = _delete_of(SERVICE_SCOPES, "PROJECT/ENVIRONMENT/SERVICE")
