"""Find holders by their names or ids, and list them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from gateway.cli.client.documents import ENVIRONMENTS, HOLDER, PROJECTS, SERVICES
from gateway.cli.client.refusals import NotFound, RefusedByGateway
from gateway.cli.client.transport import Data, Gateway, choice_of, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import Refused, line_of, say_json, say_table
from gateway.domain.errors import ErrorCode
from gateway.domain.holders import is_canonical_id
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope

KINDS: Final[Mapping[str, Scope]] = {scope.camel_name: scope for scope in HOLDER_SCOPES}
_BY_LABEL: Final[Mapping[str, Scope]] = {scope.lower(): scope for scope in HOLDER_SCOPES}
FORMS: Final = "PROJECT, PROJECT/ENVIRONMENT, PROJECT/ENVIRONMENT/SERVICE, KIND:ID or an id"
_SEPARATOR: Final = "/"
_DEPTH: Final = 3

AtPath = Annotated[
    str | None, typer.Option("--at", metavar="HOLDER", help=f"Where: {FORMS}.", show_default=False)
]
OnPath = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="HOLDER", help=f"Where it counts: {FORMS}; everywhere if not given."
    ),
]
ServicePath = Annotated[
    str | None,
    typer.Option(
        "--service",
        metavar="SERVICE",
        help="PROJECT/ENVIRONMENT/SERVICE, KIND:ID or an id; else the pinned service.",
    ),
]
ProjectPath = Annotated[str, typer.Option("--project", help="The project's name or id.")]
EnvironmentPath = Annotated[
    str, typer.Option("--environment", help="PROJECT/ENVIRONMENT, or its id.")
]


@dataclass(frozen=True, slots=True)
class FoundHolder:
    kind: Scope
    id: str


class NoSuchName(NotFound):
    def __init__(self, name: str, what: str = "service") -> None:
        super().__init__(f"this token sees no {what} that is called {line_of(name)}.")


class SeveralServices(Refused):
    def __init__(self, name: str, found: Mapping[str, Scope]) -> None:
        kinds = ", ".join(f"{kind.lower()}:{holder_id}" for holder_id, kind in found.items())
        super().__init__(f"several services are called {line_of(name)}: give one of {kinds}.")


def holder_at(gateway: Gateway, text: str) -> FoundHolder:
    """Return the holder that a path or an id names.

    Raises:
        NotFound: if the token sees none.
        SeveralServices: if services of several kinds have the name.

    """
    kind, _, holder_id = text.partition(":")
    if kind in _BY_LABEL and is_canonical_id(holder_id):
        return FoundHolder(_BY_LABEL[kind], holder_id)
    if is_canonical_id(text):
        return _by_id(gateway, text)
    try:
        return _by_path(gateway, text)
    except RefusedByGateway as refused:
        if refused.code == ErrorCode.FORBIDDEN:
            refused.add_hint("Names need it: give the id instead.")
        raise


def _by_id(gateway: Gateway, holder_id: str) -> FoundHolder:
    found = gateway.run(HOLDER, id=holder_id)["node"]
    if not found or found["__typename"] not in KINDS:
        message = f"this token sees no project, environment or service with the id {holder_id}."
        raise NotFound(message)
    return FoundHolder(KINDS[found["__typename"]], holder_id)


def _by_path(gateway: Gateway, text: str) -> FoundHolder:
    names = text.split(_SEPARATOR)
    if len(names) > _DEPTH or not all(names):
        message = f"{line_of(text)} names no holder: write {FORMS}."
        raise typer.BadParameter(message)
    project = _named(_projects(gateway), "project", names[0])
    if len(names) == 1:
        return FoundHolder(Scope.PROJECT, project)
    environment = _named(_environments(gateway, project), "environment", names[1])
    if len(names) < _DEPTH:
        return FoundHolder(Scope.ENVIRONMENT, environment)
    found = {
        service["id"]: KINDS[service["__typename"]]
        for service in _services(gateway, environment)
        if service["name"] == names[2]
    }
    if not found:
        raise NoSuchName(names[2])
    if len(found) > 1:
        raise SeveralServices(names[2], found)
    ((service_id, kind),) = found.items()
    return FoundHolder(kind, service_id)


def _named(rows: Iterator[Data], kind: str, name: str) -> str:
    found = next((str(row["id"]) for row in rows if row["name"] == name), None)
    if found is None:
        raise NoSuchName(name, kind)
    return found


def _projects(gateway: Gateway) -> Iterator[Data]:
    return gateway.nodes(PROJECTS, "projects")


def _environments(gateway: Gateway, project_id: str) -> Iterator[Data]:
    return gateway.nodes(ENVIRONMENTS, "project", "environments", projectId=project_id)


def _services(gateway: Gateway, environment_id: str) -> Iterator[Data]:
    return gateway.nodes(SERVICES, "environment", "services", environmentId=environment_id)


def chosen_holder(context: typer.Context, gateway: Gateway, text: str | None) -> FoundHolder:
    """Return the holder that an option names; the pinned service if it names none."""
    chosen = text or choice_of(context).service
    if chosen is None:
        message = "say where, or pin a service in .secrets-gateway.toml."
        raise typer.BadParameter(message, param_hint="--at")
    return holder_at(gateway, chosen)


def chosen_service(context: typer.Context, gateway: Gateway, text: str | None) -> str:
    """Return the id of the service that an option names; of the pinned one if it names none."""
    chosen = text or choice_of(context).service
    if chosen is None:
        message = "name a service, or pin one in .secrets-gateway.toml."
        raise typer.BadParameter(message, param_hint="--service")
    if is_canonical_id(chosen):
        # A token that can only fetch values cannot look anything up.
        return chosen
    return holder_of_kind(gateway, chosen, SERVICE_SCOPES, "--service").id


def argument_of(at: FoundHolder) -> dict[str, str]:
    """Return a holder as the argument of a mutation: `{"jobId": …}`."""
    return {at.kind.id_argument: at.id}


def title_of(holder: Data) -> str:
    """Return a holder in a sentence: `job nightly-invoices`."""
    return f"{KINDS[holder['__typename']].label} {line_of(holder['name'])}"


def title_and_id_of(holder: Data) -> str:
    return f"{title_of(holder)} ({holder['id']})"


def facts_of(holder: Data) -> dict[str, str]:
    kind = KINDS[holder["__typename"]].lower()
    return {"id": holder["id"], "kind": kind, "name": holder["name"]}


def list_projects(context: typer.Context, *, as_json: AsJson = False) -> None:
    rows = ({"__typename": "Project", **row} for row in _projects(connect(context)))
    _report("projects", rows, as_json=as_json)


def list_environments(
    context: typer.Context,
    project: ProjectPath,
    *,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    found = holder_of_kind(gateway, project, [Scope.PROJECT], "--project")
    rows = ({"__typename": "Environment", **row} for row in _environments(gateway, found.id))
    _report("environments", rows, as_json=as_json)


def list_services(
    context: typer.Context,
    environment: EnvironmentPath,
    *,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    found = holder_of_kind(gateway, environment, [Scope.ENVIRONMENT], "--environment")
    _report("services", _services(gateway, found.id), as_json=as_json)


def holder_of_kind(
    gateway: Gateway, text: str, kinds: Collection[Scope], option: str
) -> FoundHolder:
    """Return the holder that a path or an id names, if it is of one of the kinds.

    Raises:
        BadParameter: for another kind.

    """
    found = holder_at(gateway, text)
    if found.kind not in kinds:
        wanted = "a service" if len(kinds) > 1 else next(iter(kinds)).phrase
        message = f"{line_of(text)} is {found.kind.phrase}: name {wanted}."
        raise typer.BadParameter(message, param_hint=option)
    return found


def _report(name: str, rows: Iterator[Data], *, as_json: bool) -> None:
    facts = [facts_of(row) for row in rows]
    if as_json:
        say_json({name: facts})
        return
    say_table([("ID", "KIND", "NAME"), *((f["id"], f["kind"], line_of(f["name"])) for f in facts)])
