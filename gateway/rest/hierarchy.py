"""The lists of the hierarchy, by which clients that know names find ids.

A list answers with what the principal can see, and with neutral values for what only the original
knows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPMethod
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import Scope
from gateway.rest.bindings import Binding, Inputs, RestRequest
from gateway.rest.openapi.fields import Model
from gateway.rest.openapi.hierarchy import (
    ENVIRONMENTS,
    NEUTRAL,
    ORGANIZATIONS,
    PROJECTS,
    SERVICE_ROWS,
    SERVICES,
    DatabaseResponseList,
)
from gateway.rest.operation import Action, Operation

Selected = Mapping[str, Any]
_ORGANIZATION_ID: Final = "organizationId"
_PAGE_INFO: Final = "pageInfo { hasNextPage endCursor }"
_NO_NEXT_PAGE: Final = MappingProxyType({"hasNextPage": False, "endCursor": None})


class UnknownOrganization(GatewayError):
    code = ErrorCode.NOT_FOUND

    def __init__(self, organization_id: str) -> None:
        super().__init__(f"No organization has the id {organization_id}.")


def page_of(operation: Operation, inputs: Inputs, data: Selected) -> Selected:
    """Return the page that a document's result has.

    Raises:
        HolderNotFound: if the path names no holder of its kind that the principal can see.

    """
    if "organization" in data:
        return {"nodes": [data["organization"]], "pageInfo": _NO_NEXT_PAGE}
    if operation.scope is None:
        return data["page"]  # type: ignore[no-any-return] # JSON
    holder = data["holder"]
    if holder is None:
        raise HolderNotFound(operation.scope, inputs["holder"])
    return holder["page"]  # type: ignore[no-any-return] # JSON


def to_rows(
    operation: Operation, nodes: Iterable[Selected], *, organization_id: str
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list, with neutral values for what the gateway does not know."""
    name = _ROWS.get(operation.operation_id, "")
    in_organization = {"organization": {"id": organization_id}}
    for node in nodes:
        known = dict(node)
        if (environments := known.pop("environments", None)) is not None:
            known["associated_environments_count"] = environments["totalCount"]
        if name in _IN_ORGANIZATION:
            known |= in_organization
        yield {**known, **NEUTRAL[name]}


def ensure_own(inputs: Inputs, organization_id: str) -> None:
    """Refuse the id of another organization in the path.

    Raises:
        UnknownOrganization: if it is not the principal's.

    """
    asked = inputs.get(_ORGANIZATION_ID, organization_id)
    if asked != organization_id:
        raise UnknownOrganization(asked)


class _List(NamedTuple):
    """A list of the hierarchy. `below` is the kind of the holder in its path, if there is one."""

    name: str
    path: str
    row: str
    label: str
    document: str
    response: type[Model]
    bind: Binding
    below: Scope | None = None

    def operation(self) -> Operation:
        return Operation(
            operation_id=self.name,
            method=HTTPMethod.GET,
            path=self.path,
            action=Action.BROWSE,
            summary=f"List the {self.label} that you can see",
            document=self.document,
            bind=self.bind,
            scope=self.below,
            response=self.response,
        )


def _bind_nothing(_: RestRequest) -> Inputs:
    return {}


def _bind_organization(request: RestRequest) -> Inputs:
    return {_ORGANIZATION_ID: request.path[_ORGANIZATION_ID]}


def _bind_holder(scope: Scope) -> Binding:
    def bind(request: RestRequest) -> Inputs:
        return {"holder": request.path[scope.id_argument]}

    return bind


def _document(name: str, parent: Scope, field: str, selection: str) -> str:
    """Return the query for one page of what is below a holder.

    It does not ask for a node, which would look for a secret too: not all callers can read them.
    """
    return f"""
query {name}($holder: ID!, $after: String) {{
  holder: {parent.field_name}(id: $holder) {{
    page: {field} {{ nodes {{ id name {selection} }} {_PAGE_INFO} }}
  }}
}}
"""


def _services(name: str, segment: str, row: str, label: str, scopes: Sequence[Scope]) -> _List:
    types = f"[{', '.join(scopes)}]"
    field = f"services(types: {types}, first: 100, after: $after)"
    selection = "environment { id } service_type: serviceType"
    return _List(
        name,
        f"/environment/{{environmentId}}/{segment}",
        row,
        label,
        _document(name, Scope.ENVIRONMENT, field, selection),
        SERVICES[scopes[0]] if scopes else DatabaseResponseList,
        _bind_holder(Scope.ENVIRONMENT),
        Scope.ENVIRONMENT,
    )


# The names of the original's operations.
_SERVICE_LISTS: Final[Mapping[Scope, str]] = MappingProxyType(
    {
        Scope.APPLICATION: "listApplication",
        Scope.CONTAINER: "listContainer",
        Scope.JOB: "listJobs",
        Scope.HELM: "listHelms",
        Scope.TERRAFORM: "listTerraforms",
        Scope.AGENTIC_WORKFLOW: "listAgenticWorkflows",
    }
)
_LISTS: Final = (
    _List(
        "listOrganization",
        "/organization",
        "Organization",
        "organizations",
        "query listOrganization { organization { id name } }",
        ORGANIZATIONS,
        _bind_nothing,
    ),
    _List(
        "listProject",
        f"/organization/{{{_ORGANIZATION_ID}}}/project",
        "Project",
        "projects",
        f"""
query listProject($after: String) {{
  page: projects(first: 100, after: $after) {{
    nodes {{ id name environments(first: 1) {{ totalCount }} }}
    {_PAGE_INFO}
  }}
}}
""",
        PROJECTS,
        _bind_organization,
    ),
    _List(
        "listEnvironment",
        "/project/{projectId}/environment",
        "Environment",
        "environments",
        _document(
            "listEnvironment",
            Scope.PROJECT,
            "environments(first: 100, after: $after)",
            "project { id }",
        ),
        ENVIRONMENTS,
        _bind_holder(Scope.PROJECT),
        Scope.PROJECT,
    ),
    *(
        _services(name, scope.field_name, SERVICE_ROWS[scope], f"{scope.label}s", (scope,))
        for scope, name in _SERVICE_LISTS.items()
    ),
    # A client that offers all services to choose from asks for these too.
    _services("listDatabase", "database", "", "databases", ()),
)
_ROWS: Final[Mapping[str, str]] = MappingProxyType({each.name: each.row for each in _LISTS})
_IN_ORGANIZATION: Final = frozenset({"Project", "Environment"})
HIERARCHY: Final = tuple(each.operation() for each in _LISTS)
