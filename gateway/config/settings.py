"""Settings: one frozen object, the only reader of the environment."""

import os
import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gateway.config.former_names import CLIENT_VARIABLES, FORMER_SETTINGS, PREFIX
from gateway.config.settings_file import (
    SETTINGS_FILE,
    former_variables,
    settings_file,
    variable_of,
)
from gateway.config.types import (
    Count,
    DeniedNames,
    Environment,
    HeaderNames,
    KeyProviderName,
    LogFormat,
    LogLevel,
    Names,
    Networks,
    Origins,
    Paths,
    Quota,
    Seconds,
)
from gateway.domain.origins import MAX_OPERATOR_LENGTH, Operator
from gateway.domain.quotas import Quotas
from gateway.identity.issuers import Issuer

# Addresses that mean all of a machine's own; no client can ask for them.
WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


# In memory each connection would have its own database.
_DATABASE_FILE: Final = re.compile(r"sqlite\+aiosqlite:///(?!:memory:)[^?].*", re.DOTALL)


class Settings(BaseSettings):
    """The settings, from environment variables with the prefix or from `secrets-gateway.toml`.

    The environment wins over the file. An unknown name in the file is an error.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        toml_file=SETTINGS_FILE,
        frozen=True,
        extra="forbid",
        # A refused setting can be a database's password; the message must not repeat it.
        hide_input_in_errors=True,
    )

    environment: Environment = Field(
        default=Environment.DEVELOPMENT,
        description=(
            "`production` turns GraphiQL off by default and refuses to start with unsafe settings."
        ),
    )
    data_dir: Path = Field(
        default=Path("data"), description="Folder of the embedded database and the key file."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL of the database; `secrets.db` in the data folder if not set.",
    )
    key_file: Path | None = Field(
        default=None,
        description=(
            "File with the key-encryption keys, created at the first start; `keys.json` in the "
            "data folder if not set. Without it no value can be read: back it up separately."
        ),
    )
    key_provider: KeyProviderName = Field(
        default=KeyProviderName.KEYFILE,
        description=(
            "Provider of the key-encryption keys: `keyfile`, `env` for development, or `aws-kms`."
        ),
    )
    key: SecretStr | None = Field(
        default=None,
        description="The key-encryption key of the provider `env`: 32 random bytes in base64.",
    )
    kms_key_id: str | None = Field(
        default=None,
        description="The key's id, ARN or alias in AWS KMS, for the provider `aws-kms`.",
    )
    kms_endpoint: str | None = Field(
        default=None, description="URL of KMS; if not set, boto3 chooses it."
    )
    data_key_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=600,
        description="How long an unwrapped data key is used before its provider is asked again.",
    )
    host: str = Field(default="127.0.0.1", description="Address that `serve` listens on.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=8080, description="Port that `serve` listens on; 0 takes any free port."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Processes that `serve` starts."
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="Address that `serve` offers metrics on, for Prometheus."
    )
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] | None = Field(
        default=None,
        description="Port of the metrics, which anybody who reaches it can read; if not set: none.",
    )
    allowed_hosts: Names = Field(
        default=(),
        description="Host names that requests can be sent to, besides loopback and `host`.",
    )
    cors_origins: Origins = Field(
        default=(), description="Origins whose pages can read responses, each named exactly."
    )
    cors_headers: HeaderNames = Field(
        default=(),
        description="Headers that those pages can send, besides the well-known ones.",
    )
    trusted_proxies: Networks = Field(
        default=(), description="Addresses of proxies whose X-Forwarded-* headers are trusted."
    )
    https: bool = Field(
        default=False, description="Whether clients use HTTPS, which ends at a proxy in front."
    )
    rate_per_minute: Count = Field(
        default=600_000, description="Cost that one caller can cause per minute; 0: no limit."
    )
    rate_burst: Annotated[int, Field(ge=1)] = Field(
        default=200_000, description="Cost that one caller can cause at once."
    )
    organization_rate_per_minute: Count = Field(
        default=6_000_000,
        description="Cost that all callers of an organization can cause per minute; 0: no limit.",
    )
    organization_rate_burst: Annotated[int, Field(ge=1)] = Field(
        default=2_000_000, description="Cost that all callers of an organization can cause at once."
    )
    max_document_depth: Annotated[int, Field(ge=5, le=50)] = Field(
        default=15, description="Levels of fields that a GraphQL document can have."
    )
    max_document_cost: Annotated[int, Field(ge=1_000, le=1_000_000)] = Field(
        default=50_000, description="Cost that a GraphQL document can have."
    )
    max_tokens_per_organization: Quota = Field(
        default=10_000, description="Valid API tokens that an organization can have."
    )
    max_users_per_organization: Quota = Field(
        default=10_000, description="Users that an organization can have."
    )
    max_projects_per_organization: Quota = Field(
        default=1_000, description="Projects that an organization can have."
    )
    max_holders_per_project: Quota = Field(
        default=10_000, description="Environments and services that a project can have."
    )
    max_secrets_per_holder: Quota = Field(
        default=10_000, description="Secrets that a project, an environment or a service can have."
    )
    failed_logins_per_minute: Count = Field(
        default=600, description="Credentials that can fail per minute and source; 0: no limit."
    )
    connections_per_peer: Count | None = Field(
        default=None,
        description=(
            "Connections that one address can hold; 0: no limit. If not set: 100 in production, "
            "2,000 in development."
        ),
    )
    head_seconds: Seconds = Field(
        default=10,
        description="Time within which a request's head, or a socket's first message, must arrive.",
    )
    body_seconds: Seconds = Field(
        default=30, description="Time within which a body must arrive, or a response be read."
    )
    keep_alive_seconds: Seconds = Field(
        default=5, description="Time after which a connection without requests is closed."
    )
    audit_checkpoint_file: Path | None = Field(
        default=None,
        description=(
            "File to which checkpoints of the audit log are appended; `audit-anchors.jsonl` in the "
            "data folder if not set. Nobody who can write the database should be able to write it."
        ),
    )
    audit_checkpoint_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=60, description="How often `serve` writes a checkpoint, if the log has grown."
    )
    audit_retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        default=None,
        description="Days after which `serve` deletes events of the audit log; if not set: never.",
    )
    versions_retention_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=90,
        description="Days after which `serve` deletes former versions of secrets.",
    )
    versions_kept: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=10,
        description="Former versions of each secret that stay longer, until the secret is deleted.",
    )
    audit_events_file: Path | None = Field(
        default=None,
        description=(
            "File to which events of the audit log are also written, as lines of JSON; `-`: "
            "standard output of `serve`; if not set: nowhere."
        ),
    )
    integrity_scan_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=300,
        description="How often `serve` looks for rows that were changed outside the gateway.",
    )
    graphiql: bool | None = Field(
        default=None,
        description=(
            "Whether `/graphiql` and `/map` are served; if not set: in development, unless only "
            "trusted documents can run."
        ),
    )
    issuers: tuple[Issuer, ...] = Field(
        default=(),
        description="OpenID Connect issuers whose access tokens are accepted besides API tokens.",
    )
    introspection: bool = Field(
        default=True, description="Whether clients can query the schema on `/graphql`."
    )
    trusted_documents: Paths = Field(
        default=(),
        description="Manifests of documents that clients name by id instead of sending them.",
    )
    trusted_documents_only: bool = Field(
        default=False, description="Whether only trusted documents can run on `/graphql`."
    )
    deadline_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=10, description="Seconds after which a request is cancelled."
    )
    denied_keys: DeniedNames = Field(
        default=(),
        description=(
            "Keys that no new secret can have: `KEY`, `PREFIX*`, or `@loaders` for those by which "
            "a value becomes code; after an organization's id and a colon, for it alone."
        ),
    )
    subscriptions_per_caller: Count = Field(
        default=100, description="Subscriptions that one caller can have open; 0: no limit."
    )
    operator: str | None = Field(
        default=None,
        description="Name of the person at the command line, for the audit log; also `--as`.",
    )
    log_format: LogFormat = Field(
        default=LogFormat.CONSOLE, description="`console` for people, `json` for machines."
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="The lowest level that is logged."
    )

    @field_validator("database_url")
    @classmethod
    def _has_our_driver(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not _DATABASE_FILE.fullmatch(url.get_secret_value()):
            message = "the database must be an SQLite file: sqlite+aiosqlite:/// and its path"
            raise ValueError(message)
        return url

    @field_validator("operator")
    @classmethod
    def _is_fit_to_record(cls, name: str | None) -> str | None:
        if name is not None and not Operator.is_fit(name):
            message = f"the name must have 1 to {MAX_OPERATOR_LENGTH} printable characters"
            raise ValueError(message)
        return name

    @field_validator("issuers")
    @classmethod
    def _are_different(cls, issuers: tuple[Issuer, ...]) -> tuple[Issuer, ...]:
        if len({issuer.issuer for issuer in issuers}) < len(issuers):
            message = "an issuer is listed twice"
            raise ValueError(message)
        return issuers

    @property
    def resolved_key_file(self) -> Path:
        return self.key_file or self.data_dir / "keys.json"

    @property
    def resolved_audit_checkpoint_file(self) -> Path:
        return self.audit_checkpoint_file or self.data_dir / "audit-anchors.jsonl"

    @property
    def resolved_database_url(self) -> str:
        """The database's URL; it can contain a password."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir / 'secrets.db'}"

    @property
    def quotas(self) -> Quotas:
        return Quotas(
            tokens_per_organization=self.max_tokens_per_organization,
            users_per_organization=self.max_users_per_organization,
            projects_per_organization=self.max_projects_per_organization,
            holders_per_project=self.max_holders_per_project,
            secrets_per_holder=self.max_secrets_per_holder,
        )

    @property
    def is_production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def most_connections(self) -> int:
        """How many connections one address can hold; 0 for no limit."""
        if self.connections_per_peer is None:
            return 100 if self.is_production else 2_000
        return self.connections_per_peer

    @property
    def serves_graphiql(self) -> bool:
        """Whether GraphiQL is served; by default in development, with documents from clients."""
        if self.graphiql is not None:
            return self.graphiql
        return not self.is_production and not self.trusted_documents_only

    @property
    def resolved_hosts(self) -> frozenset[str]:
        """The host names that requests can be sent to, in lower case."""
        own = () if self.host in WILDCARDS else (self.host,)
        return frozenset(name.lower() for name in (*_LOOPBACK, *own, *self.allowed_hosts))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the command line precedence over the environment, and that over the file."""
        del dotenv_settings, file_secret_settings
        former = InitSettingsSource(settings_cls, former_variables())
        return init_settings, env_settings, former, settings_file(settings_cls)


def unknown_variables() -> list[str]:
    """Return variables with the settings' prefix that are not settings: misspelt, perhaps."""
    settings = {variable_of(name) for name in (*Settings.model_fields, *FORMER_SETTINGS)}
    known = settings | CLIENT_VARIABLES
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def hand_down(**chosen: str | int) -> None:
    """Pass settings from the command line to child processes, through the environment."""
    os.environ.update({variable_of(name): str(value) for name, value in chosen.items()})
