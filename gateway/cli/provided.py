"""Commands around the secrets that the platform itself provides."""

from typing import Annotated

import typer

from gateway.cli.host_options import AtHolder
from gateway.cli.options import AsJson, Exact, ValueFile, read_value
from gateway.cli.printing import say, say_json
from gateway.cli.running import operator_at, run
from gateway.domain.drafts import ProvidedDraft
from gateway.domain.principals import Principal
from gateway.domain.scopes import ServiceType
from gateway.domain.secrets import Secret, ServiceReference
from gateway.runtime import Runtime


def _source_type(text: str) -> ServiceType:
    try:
        return ServiceType(text.upper())
    except ValueError:
        message = f"a source is one of {', '.join(kind.lower() for kind in ServiceType)}."
        raise typer.BadParameter(message) from None


SourceId = Annotated[str, typer.Option(help="The id of the service that it comes from.")]
SourceName = Annotated[str, typer.Option(help="That service's name.")]
SourceType = Annotated[
    ServiceType,
    typer.Option(parser=_source_type, metavar="TYPE", help="What it is, e.g. database."),
]


def register_built_in(
    key: Annotated[str, typer.Argument(help="The key.")],
    holder: AtHolder,
    *,
    source_id: SourceId,
    source_name: SourceName,
    source_type: SourceType,
    description: Annotated[str | None, typer.Option(help="For people.")] = None,
    value_file: ValueFile = None,
    exact: Exact = False,
    as_json: AsJson = False,
) -> None:
    draft = ProvidedDraft(
        key=key,
        value=read_value(value_file, exact=exact),
        source=ServiceReference(id=source_id, name=source_name, type=source_type),
        description=description,
    )

    async def register(runtime: Runtime) -> Secret:
        return await runtime.services.for_principal(
            await operator_at(runtime, holder.id)
        ).administration.register(holder_reference=holder, draft=draft)

    _report("registered", run(register), as_json=as_json)


def rotate_built_in(
    secret_id: Annotated[str, typer.Argument(metavar="SECRET_ID", help="The secret's id.")],
    value_file: ValueFile = None,
    *,
    exact: Exact = False,
    as_json: AsJson = False,
) -> None:
    value = read_value(value_file, exact=exact)

    async def rotate(runtime: Runtime) -> Secret:
        found = await runtime.operator.directory.secret(secret_id=secret_id)
        return await runtime.services.for_principal(
            Principal.operator(found.holder.organization_id)
        ).administration.rotate(secret_id=secret_id, value=value)

    _report("rotated", run(rotate), as_json=as_json)


def _report(done: str, secret: Secret, *, as_json: bool) -> None:
    if as_json:
        say_json({"id": secret.id, "key": secret.key, "version": secret.version})
    else:
        say(f"{done} {secret.key} ({secret.id}), version {secret.version}")
