"""What the command line of the original sends, and how it reads the answers.

Its requests were recorded from its client library in Go: the order, the paths, the headers and the
bytes of the bodies. It finds everything by name, and refuses a row that lacks a required field, or
has one of another type.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from gateway.domain.scopes import Scope
from tests.patience import PATIENCE

Row = Mapping[str, Any]
_SERVICE: Final[Mapping[str, type]] = {
    "id": str,
    "created_at": str,
    "name": str,
    "environment": dict,
    "icon_uri": str,
    "service_type": str,
}
_RESOURCES: Final[Mapping[str, type]] = dict.fromkeys(
    ("cpu", "memory", "gpu", "maximum_cpu", "maximum_memory", "maximum_gpu"), int
)
# By the last part of a list's path: the fields that a row must have.
REQUIRED: Final[Mapping[str, Mapping[str, type]]] = {
    "organization": {"id": str, "created_at": str, "name": str, "plan": str},
    "project": {
        "id": str,
        "created_at": str,
        "name": str,
        "organization": dict,
        "associated_environments_count": int,
    },
    "environment": {
        "id": str,
        "created_at": str,
        "name": str,
        "organization": dict,
        "project": dict,
        "cloud_provider": dict,
        "mode": str,
        "cluster_id": str,
    },
    "application": {**_SERVICE, "healthchecks": dict},
    "container": {
        **_SERVICE,
        **_RESOURCES,
        "image_name": str,
        "tag": str,
        "registry": dict,
        "min_running_instances": int,
        "max_running_instances": int,
        "healthchecks": dict,
        "auto_preview": bool,
    },
    "database": {},
    "job": {
        **_SERVICE,
        **_RESOURCES,
        "auto_preview": bool,
        "source": dict,
        "healthchecks": dict,
        "job_type": str,
        "schedule": dict,
    },
    "helm": {
        **_SERVICE,
        "auto_preview": bool,
        "auto_deploy": bool,
        "source": dict,
        "arguments": list,
        "allow_cluster_wide_resources": bool,
        "values_override": dict,
    },
    "terraform": {
        **_SERVICE,
        "timeout_sec": int,
        "auto_deploy": bool,
        "terraform_variables_source": dict,
        "engine": str,
        "backend": dict,
        "provider_version": dict,
        "job_resources": dict,
        "use_cluster_credentials": bool,
        "action_extra_arguments": dict,
    },
}
# Of these a row must have exactly one.
_ONE_OF: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("job", "source"): frozenset({"image", "docker"}),
    ("helm", "source"): frozenset({"git", "repository"}),
    ("terraform", "backend"): frozenset({"kubernetes", "user_provided", "blueprint"}),
}
# The kinds of service among which its user chooses, in the order in which it asks for them.
CHOICES: Final = ("application", "container", "database", "job", "helm", "terraform")


class CliError(Exception):
    """What it prints before it exits with 1."""


@dataclass(frozen=True, slots=True)
class OriginalCli:
    """It runs with `--organization`, `--project` and `--environment`."""

    client: httpx.Client
    organization: str
    project: str
    environment: str

    @classmethod
    @contextmanager
    def pointed_at(cls, url: str, token: str, **names: str) -> Iterator["OriginalCli"]:
        """Set the address and the token as its environment variables do."""
        headers = {
            "User-Agent": "CLI 1.0.0",
            "Accept": "application/json",
            "Authorization": f"Token {token}",
            "Accept-Encoding": "gzip",
        }
        with httpx.Client(base_url=url, headers=headers, timeout=PATIENCE) as client:
            yield cls(client, **names)

    def holder_id(self, scope: Scope, name: str = "") -> str:
        """Find a holder by the names on the command line, from the organization down."""
        organization_id = self._named("/organization", self.organization)
        project_id = self._named(f"/organization/{organization_id}/project", self.project)
        if scope is Scope.PROJECT:
            return project_id
        environment_id = self._named(f"/project/{project_id}/environment", self.environment)
        if scope is Scope.ENVIRONMENT:
            return environment_id
        return self._named(f"/environment/{environment_id}/{scope.lower()}", name)

    def choices(self) -> dict[str, str]:
        """Return the names of all services of the environment, with the kind of each."""
        environment_id = self.holder_id(Scope.ENVIRONMENT)
        return {
            row["name"]: kind
            for kind in CHOICES
            for row in self.rows(f"/environment/{environment_id}/{kind}")
        }

    def rows(self, path: str) -> list[Row]:
        """Read a list of the hierarchy."""
        kind = path.rsplit("/", 1)[1]
        rows: list[Row] = self._sent("GET", path).json()["results"]
        for row in rows:
            ensure_readable(kind, row)
        return rows

    def _named(self, path: str, name: str) -> str:
        found = next((row for row in self.rows(path) if row["name"] == name), None)
        if found is None:
            message = f"{path.rsplit('/', 1)[1]} {name} not found"
            raise CliError(message)
        return str(found["id"])

    def create(self, scope: Scope, holder_id: str, key: str, value: str, **more: bool) -> None:
        """`env create --scope --secret`."""
        body = {
            "key": key,
            "value": value,
            "is_secret": True,
            "variable_scope": scope,
            "variable_parent_id": holder_id,
        }
        self._sent("POST", "/variable", body | more)

    def listed(self, scope: Scope, holder_id: str) -> list[Row]:
        """`env list`."""
        path = f"/variable?parent_id={holder_id}&scope={scope}"
        rows: list[Row] = self._sent("GET", path).json()["results"]
        return rows

    def update(self, scope: Scope, holder_id: str, key: str, value: str) -> None:
        """`env update`."""
        self._sent("PUT", f"/variable/{self._id(scope, holder_id, key)}", {"key": key} | _of(value))

    def delete(self, scope: Scope, holder_id: str, key: str) -> None:
        """`env delete`."""
        self._sent("DELETE", f"/variable/{self._id(scope, holder_id, key)}")

    def alias(self, scope: Scope, holder_id: str, key: str, alias: str) -> None:
        """`env alias create`."""
        body = {"key": alias, "alias_scope": scope, "alias_parent_id": holder_id}
        self._sent("POST", f"/variable/{self._id(scope, holder_id, key)}/alias", body)

    def override(self, scope: Scope, holder_id: str, key: str, value: str) -> None:
        """`env override create`."""
        body = _of(value) | {"override_scope": scope, "override_parent_id": holder_id}
        self._sent("POST", f"/variable/{self._id(scope, holder_id, key)}/override", body)

    def import_secret(self, scope: Scope, holder_id: str, key: str, value: str) -> None:
        """`env import` of one line of a file, as secrets that overwrite."""
        path = f"/{scope.lower()}/{holder_id}/secret"
        rows = self._sent("GET", path).json()["results"]
        for found in [row for row in rows if row["key"] == key][:1]:
            self._sent("DELETE", f"{path}/{found['id']}")
        self._sent("POST", path, {"key": key} | _of(value))

    def _id(self, scope: Scope, holder_id: str, key: str) -> str:
        found = next((row for row in self.listed(scope, holder_id) if row["key"] == key), None)
        if found is None:
            message = f"environment variable {key} not found"
            raise CliError(message)
        return str(found["id"])

    def _sent(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        content = None if body is None else to_bytes(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        response = self.client.request(method, path, content=content, headers=headers)
        if response.is_error:
            raise CliError(response.json()["detail"])
        return response


def _of(value: str) -> dict[str, str]:
    return {"value": value}


def to_bytes(body: Mapping[str, Any]) -> bytes:
    """Encode a body as Go does: sorted names, three characters escaped, a line end."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"{text}\n".encode()


def ensure_readable(kind: str, row: Row) -> None:
    """Refuse a row that the client library cannot read.

    Raises:
        CliError: naming the field.

    """
    for name, wanted in REQUIRED[kind].items():
        if name not in row:
            message = f"no value given for required property {name}"
            raise CliError(message)
        if type(row[name]) is not wanted:
            message = f"cannot unmarshal {name}"
            raise CliError(message)
    for (_, name), options in ((at, each) for at, each in _ONE_OF.items() if at[0] == kind):
        if len(options & row[name].keys()) != 1:
            message = f"{name} does not match exactly one schema"
            raise CliError(message)
