"""Stock Strawberry: the same types and fields over SQLAlchemy's ORM and aiosqlite.

Written as the documentation of these libraries shows it, with relations loaded ahead, and without
credentials, permissions or sealing.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import strawberry
from sqlalchemy import ForeignKey, event, select
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

_TIME: Final = DATETIME(  # type: ignore[no-untyped-call]
    storage_format=(
        "%(year)04d-%(month)02d-%(day)02dT%(hour)02d:%(minute)02d:%(second)02d.%(microsecond)06dZ"
    ),
    regexp=r"(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)Z",
)


class Base(DeclarativeBase):
    pass


class HolderRow(Base):
    __tablename__ = "holder"

    id: Mapped[str] = mapped_column(primary_key=True)
    environment_id: Mapped[str | None]
    project_id: Mapped[str]

    @property
    def chain(self) -> list[str | None]:
        return [self.id, self.environment_id, self.project_id]


class SecretRow(Base):
    __tablename__ = "secret"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid4()))
    key: Mapped[str]
    scope: Mapped[str]
    variable_type: Mapped[str]
    mount_path: Mapped[str | None]
    description: Mapped[str | None]
    owned_by: Mapped[str] = mapped_column(default="QOVERY")
    created_at: Mapped[datetime] = mapped_column(_TIME, default=lambda: datetime.now(UTC))
    updated_at: Mapped[datetime] = mapped_column(_TIME, default=lambda: datetime.now(UTC))
    version: Mapped[int] = mapped_column(default=1)
    holder_id: Mapped[str] = mapped_column(ForeignKey("holder.id"))
    target_id: Mapped[str | None] = mapped_column(ForeignKey("secret.id"))
    list_rank: Mapped[int]
    target: Mapped["SecretRow | None"] = relationship(remote_side=[id])
    value: Mapped["ValueRow | None"] = relationship()


class ValueRow(Base):
    __tablename__ = "secret_value"

    secret_id: Mapped[str] = mapped_column(ForeignKey("secret.id"), primary_key=True)
    value: Mapped[str]


@strawberry.enum
class SecretScope(Enum):
    BUILT_IN = "BUILT_IN"
    PROJECT = "PROJECT"
    ENVIRONMENT = "ENVIRONMENT"
    JOB = "JOB"


@strawberry.enum
class VariableType(Enum):
    VALUE = "VALUE"
    FILE = "FILE"
    ALIAS = "ALIAS"
    OVERRIDE = "OVERRIDE"
    BUILT_IN = "BUILT_IN"
    EXTERNAL_SECRET = "EXTERNAL_SECRET"


@strawberry.type
class SecretAlias:
    id: strawberry.ID
    key: str
    scope: SecretScope


@strawberry.type
class Secret:
    id: strawberry.ID
    key: str
    scope: SecretScope
    variable_type: VariableType
    mount_path: str | None
    description: str | None
    owned_by: str
    created_at: datetime
    updated_at: datetime
    version: int
    aliased_secret: SecretAlias | None

    @classmethod
    def of(cls, row: SecretRow) -> Self:
        alias = None
        if row.variable_type == "ALIAS" and row.target is not None:
            alias = SecretAlias(
                id=strawberry.ID(row.target.id),
                key=row.target.key,
                scope=SecretScope(row.target.scope),
            )
        return cls(
            id=strawberry.ID(row.id),
            key=row.key,
            scope=SecretScope(row.scope),
            variable_type=VariableType(row.variable_type),
            mount_path=row.mount_path,
            description=row.description,
            owned_by=row.owned_by,
            created_at=row.created_at,
            updated_at=row.updated_at,
            version=row.version,
            aliased_secret=alias,
        )


@strawberry.type
class SecretEdge:
    node: Secret


@strawberry.type
class SecretConnection:
    edges: list[SecretEdge]


@strawberry.type
class Job:
    id: strawberry.ID

    @strawberry.field
    async def visible_secrets(self, info: strawberry.Info, first: int) -> SecretConnection:
        async with _session(info) as session:
            holder = await session.get_one(HolderRow, self.id)
            statement = (
                select(SecretRow)
                .where(SecretRow.holder_id.in_(holder.chain))
                .options(joinedload(SecretRow.target))
                .order_by(SecretRow.list_rank, SecretRow.key)
                .limit(first)
            )
            rows = await session.scalars(statement)
            return SecretConnection(edges=[SecretEdge(node=Secret.of(row)) for row in rows])


@strawberry.type
class RuntimeSecret:
    key: str
    value: str


@strawberry.type
class Query:
    @strawberry.field
    async def job(self, info: strawberry.Info, id: strawberry.ID) -> Job | None:
        async with _session(info) as session:
            holder = await session.get(HolderRow, id)
            return Job(id=strawberry.ID(holder.id)) if holder else None

    @strawberry.field
    async def runtime_secrets(
        self, info: strawberry.Info, service_id: strawberry.ID
    ) -> list[RuntimeSecret]:
        async with _session(info) as session:
            holder = await session.get_one(HolderRow, service_id)
            statement = (
                select(SecretRow)
                .where(SecretRow.holder_id.in_(holder.chain))
                .options(
                    joinedload(SecretRow.value),
                    joinedload(SecretRow.target).joinedload(SecretRow.value),
                )
                .order_by(SecretRow.list_rank)
            )
            # What is nearer comes later, and takes the place of what is wider.
            nearest = {row.key: row for row in await session.scalars(statement)}
            return [
                RuntimeSecret(key=key, value=_value_of(nearest[key])) for key in sorted(nearest)
            ]


def _value_of(row: SecretRow) -> str:
    source = row.target if row.variable_type == "ALIAS" else row
    assert source is not None
    assert source.value is not None
    return source.value.value


@strawberry.input
class SecretAliasInput:
    key: str


@strawberry.type
class MutationError:
    code: str
    message: str


@strawberry.type
class SecretPayload:
    secret: Secret | None
    errors: list[MutationError]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def create_job_secret_alias(
        self,
        info: strawberry.Info,
        job_id: strawberry.ID,
        secret_id: strawberry.ID,
        input: SecretAliasInput,
    ) -> SecretPayload:
        async with _session(info) as session:
            target = await session.get_one(SecretRow, secret_id)
            row = SecretRow(
                key=input.key,
                scope="JOB",
                variable_type="ALIAS",
                holder_id=job_id,
                target=target,
                list_rank=20,
            )
            session.add(row)
            await session.commit()
            return SecretPayload(secret=Secret.of(row), errors=[])


def _session(info: strawberry.Info) -> AsyncSession:
    sessions: async_sessionmaker[AsyncSession] = info.context["request"].app.state.sessions
    return sessions()


def build_app(database: Path) -> Starlette:
    """Return the application over a database for peers."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
    event.listen(engine.sync_engine, "connect", _commit_in_full)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    schema = strawberry.Schema(Query, Mutation)
    app = Starlette(routes=[Route("/graphql", GraphQL(schema))], lifespan=lifespan)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    return app


def _commit_in_full(connection: DBAPIConnection, _: object) -> None:
    connection.cursor().execute("PRAGMA synchronous = FULL")


def serve() -> Starlette:
    """Return the application over the database that a variable names, for uvicorn."""
    return build_app(Path(os.environ["PEER_DATABASE"]))
