"""The rows of the hierarchy's lists.

Clients find ids by name in these lists, and refuse a row without the fields that the original API
requires. What the gateway does not know has one neutral value, from `NEUTRAL`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue, create_model

from gateway.domain.scopes import Scope
from gateway.rest.openapi.fields import Id, Model, example

_NIL_ID: Final = "00000000-0000-0000-0000-000000000000"
# A URI that leads nowhere.
_NO_URI: Final = "about:blank"
_NO_REGISTRY: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {"id": _NIL_ID, "name": "", "url": _NO_URI, "kind": "GENERIC_CR"}
)
_NO_IMAGE: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {"image_name": "", "tag": "", "registry": dict(_NO_REGISTRY)}
)
_NO_RESOURCES: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {"cpu": 0, "gpu": 0, "memory": 0, "maximum_cpu": 0, "maximum_gpu": 0, "maximum_memory": 0}
)
_NO_JOB_RESOURCES: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {"cpu_milli": 0, "ram_mib": 0, "gpu": 0, "storage_gib": 0}
)
# Of every row: holders have no times in the domain.
_TIMES: Final[Mapping[str, JsonValue]] = MappingProxyType(
    dict.fromkeys(("created_at", "updated_at"), "1970-01-01T00:00:00Z")
)
# By the name of a row's schema: what the original requires and the gateway does not know.
NEUTRAL: Final[Mapping[str, Mapping[str, JsonValue]]] = MappingProxyType(
    {
        "Organization": {**_TIMES, "plan": "FREE"},
        "Project": _TIMES,
        # Clients are the most careful with production.
        "Environment": {
            **_TIMES,
            "cloud_provider": {},
            "cluster_id": _NIL_ID,
            "cluster_name": "",
            "mode": "PRODUCTION",
        },
        "Application": {**_TIMES, "healthchecks": {}, "icon_uri": _NO_URI},
        "ContainerResponse": {
            **_TIMES,
            **_NO_RESOURCES,
            **_NO_IMAGE,
            "auto_preview": False,
            "healthchecks": {},
            "icon_uri": _NO_URI,
            "max_running_instances": 0,
            "min_running_instances": 0,
        },
        # The gateway does not know schedules; of the two kinds, this one needs none.
        "JobResponse": {
            **_TIMES,
            **_NO_RESOURCES,
            "auto_preview": False,
            "healthchecks": {},
            "icon_uri": _NO_URI,
            "job_type": "LIFECYCLE",
            "schedule": {},
            "source": {"image": dict(_NO_IMAGE)},
        },
        "HelmResponse": {
            **_TIMES,
            "allow_cluster_wide_resources": False,
            "arguments": [],
            "auto_deploy": False,
            "auto_preview": False,
            "icon_uri": _NO_URI,
            "source": {
                "repository": {
                    "chart_name": "",
                    "chart_version": "",
                    "repository": {"id": _NIL_ID, "name": "", "url": _NO_URI},
                }
            },
            "values_override": {},
        },
        "TerraformResponse": {
            **_TIMES,
            "action_extra_arguments": {},
            "auto_deploy": False,
            "backend": {"kubernetes": {}},
            "engine": "TERRAFORM",
            "icon_uri": _NO_URI,
            "job_resources": dict(_NO_JOB_RESOURCES),
            "provider_version": {"explicit_version": ""},
            "terraform_variables_source": {"tf_var_file_paths": [], "tf_vars": []},
            "timeout_sec": 0,
            "use_cluster_credentials": False,
        },
        "AgenticWorkflowResponse": {
            **_TIMES,
            "agent_prompt": "",
            "description": "",
            "docker_fragment": "",
            "enabled": False,
            "governance": {"host_allowlist": []},
            "mcp": "",
            "mcp_server_ids": [],
            "model": {"type": "CLAUDE", "settings": ""},
            "outputs": [],
            "project_repositories": [],
            "resources": dict(_NO_JOB_RESOURCES),
            "slug": "",
            "webhook": {"url": _NO_URI},
            "webhook_ip_allowlist": [],
        },
    }
)
# The names of the original's schemas.
SERVICE_ROWS: Final[Mapping[Scope, str]] = MappingProxyType(
    {
        Scope.APPLICATION: "Application",
        Scope.CONTAINER: "ContainerResponse",
        Scope.JOB: "JobResponse",
        Scope.HELM: "HelmResponse",
        Scope.TERRAFORM: "TerraformResponse",
        Scope.AGENTIC_WORKFLOW: "AgenticWorkflowResponse",
    }
)
_EXAMPLE_ID: Final = "7d1e2c54-6a8f-4c0b-9e35-1f0a2b3c4d5e"
_EXAMPLE_PARENT_ID: Final = "0b9c3f4e-2d1a-4e5b-8c7d-6f5a4b3c2d1e"
_TYPES: Final[Mapping[type, Any]] = MappingProxyType({dict: dict[str, Any], list: list[str]})


class ReferenceObject(Model):
    """Another object."""

    id: Id = Field(description="The id.")


class _Row(Model):
    id: Id = Field(description="The id, which the paths for secrets take.")
    name: str = Field(description="The name, unique below the parent.")


def _neutral_field(value: JsonValue) -> Any:  # noqa: ANN401 - a field definition of pydantic
    kind = _TYPES.get(type(value), type(value))
    meaning = "Not known to this gateway, so it is always this value."
    return Annotated[kind, Field(description=meaning, json_schema_extra={"const": value})]


def _list_of(name: str, summary: str, **known: object) -> type[Model]:
    """Return the model of a list whose rows have an id, a name and what else is known."""
    neutral = {field: _neutral_field(value) for field, value in NEUTRAL[name].items()}
    fields: dict[str, Any] = {**known, **neutral}
    shown = {field: _example_of(field, name) for field in known}
    row_example = {"id": _EXAMPLE_ID, "name": "orders", **shown, **NEUTRAL[name]}
    row = create_model(name, __base__=_Row, __doc__=summary, __module__=__name__, **fields)
    results: Any = Annotated[list[row], Field(description="The rows, by name.")]  # type: ignore[valid-type] # a model that is made here
    return create_model(
        f"{name.removesuffix('Response')}ResponseList",
        __base__=Model,
        __doc__=f"A list. {summary}",
        __module__=__name__,
        __cls_kwargs__={"json_schema_extra": {"examples": [{"results": [row_example]}]}},
        results=results,
    )


def _example_of(field: str, row: str) -> JsonValue:
    examples: Mapping[str, JsonValue] = {
        "associated_environments_count": 2,
        "service_type": next((scope for scope, name in SERVICE_ROWS.items() if name == row), None),
    }
    return examples.get(field, {"id": _EXAMPLE_PARENT_ID})


def _reference(label: str) -> Any:  # noqa: ANN401 - a field definition of pydantic
    return Annotated[ReferenceObject, Field(description=f"The {label}.")]


def _services(scope: Scope) -> type[Model]:
    kind: Any = Annotated[Literal[scope.value], Field(description="The kind of service.")]
    summary = f"{scope.phrase.capitalize()}, as far as this gateway knows it."
    return _list_of(
        SERVICE_ROWS[scope], summary, environment=_reference("environment"), service_type=kind
    )


class DatabaseResponseList(Model):
    """A list of databases. They hold no secrets of their own, so this gateway has none of them."""

    model_config = example(results=[])

    results: list[ReferenceObject] = Field(max_length=0, description="Always empty.")


_COUNT: Final = Annotated[int, Field(description="The number of its environments.")]
ORGANIZATIONS: Final = _list_of("Organization", "The organization of the credential.")
PROJECTS: Final = _list_of(
    "Project",
    "A project, as far as this gateway knows it.",
    organization=_reference("organization"),
    associated_environments_count=_COUNT,
)
ENVIRONMENTS: Final = _list_of(
    "Environment",
    "An environment, as far as this gateway knows it.",
    organization=_reference("organization"),
    project=_reference("project"),
)
SERVICES: Final[Mapping[Scope, type[Model]]] = MappingProxyType(
    {scope: _services(scope) for scope in SERVICE_ROWS}
)
