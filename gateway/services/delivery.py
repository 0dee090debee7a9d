"""Deliver values to services. This is the only use case that returns decrypted values.

A large delivery runs in steps, so that other requests are answered meanwhile.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.domain.content import NeverStored
from gateway.domain.delivery_formats import DeliveryFormat, ensure_fits
from gateway.domain.delivery_requests import EVERYTHING, DeliveryRequest
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference
from gateway.domain.errors import ConcurrentChange
from gateway.domain.holders import Holder
from gateway.domain.interpolation import Interpolator, UnresolvedReference, UnresolvedReferences
from gateway.domain.permissions import Permission
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.delivery_sources import DeliverySources, SourceReader, in_turn
from gateway.services.vault import Fingerprint


@dataclass(frozen=True, slots=True)
class RuntimeFile(NeverStored):
    mount_path: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RuntimeSecret(NeverStored):
    """One environment variable as delivered. For a file, `value` is its mount path.

    `file` is None for a file too if its content was not requested.
    """

    key: str
    value: str = field(repr=False)
    file: RuntimeFile | None = None
    is_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSet(NeverStored):
    """What a service gets, in order of the keys; no secrets if the client has this set already.

    `fingerprint` changes with each key, value and file of it, and with the service's name.
    """

    service: Holder
    secrets: Sequence[RuntimeSecret]
    fingerprint: str
    fingerprint_of: Fingerprint = field(repr=False)
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class DeliverySize:
    keys: int
    size: int


# Called with the size of a delivery before it is built; an exception stops the delivery.
Admit = Callable[[DeliverySize], None]


def admit_all(_: DeliverySize) -> None:
    """Accept every delivery."""


# Called with the unresolved references before any value is returned; an exception stops the
# delivery.
CheckReferences = Callable[[Sequence[UnresolvedReference]], None]


def refuse_unresolved(found: Sequence[UnresolvedReference]) -> None:
    """Refuse a delivery with unresolved references.

    Raises:
        UnresolvedReferences: with the keys and the references.

    """
    if found:
        raise UnresolvedReferences(found)


class Delivery(ScopedService):
    """The use case of delivering values to a service."""

    async def runtime_secrets(
        self,
        *,
        service_id: str,
        request: DeliveryRequest = EVERYTHING,
        kinds: Collection[Scope] = SERVICE_SCOPES,
        admit: Admit = admit_all,
        check: CheckReferences | None = None,
        is_view_shared: bool = False,
    ) -> RuntimeSet:
        """Return what is requested of all that a service gets, with values.

        The view is closed after the last read, unless `is_view_shared`. A project or an environment
        that `kinds` allows counts as a service below it without secrets of its own.

        Raises:
            HolderNotFound: if the service is not visible to the principal.
            Forbidden: if the principal cannot read values.
            InvalidInput: if a requested key or an entity tag is malformed, or if a value does not
                fit the requested format; then nothing is recorded.
            TooManyKeys: if the service sees more keys than one delivery can have.
            DeliveryTooLarge: if the texts are too long in total, before or after expansion.
            UnresolvedReferences: if `check` refuses an unresolved reference.
            Overloaded: if too many writes wait; raised before any value is opened.

        """
        request.ensure_valid()
        view = self._scope.view
        # Values are never kept, and each delivery is recorded.
        view.forget()
        service = await self._service(service_id, kinds)
        self._context.database.write_admission.ensure_room()
        sources = await SourceReader(view, self._context.vault, service).read(request)
        # Close the view before waiting for the writer or for the expansion.
        if not is_view_shared:
            await view.close()
        secrets = await _expand(sources, admit, check)
        delivered = await self._set(service, _selected(secrets, request.keys))
        if request.form is not None:
            await _ensure_fits(request.form, delivered)
        # Without any of the requested keys there is nothing that a client could have.
        has_any = bool(delivered.secrets) or request.keys is None
        if has_any and request.is_known(delivered.fingerprint):
            self._context.deliveries.unchanged += 1
            return replace(delivered, secrets=(), is_unchanged=True)
        # Record the delivery before any value is returned. If that fails, none is returned.
        if has_any:
            event = _to_event(delivered, sources.secrets, request)
            try:
                await self._record(event, keeps_view=is_view_shared)
            except ConcurrentChange:
                # A deletion takes the grants on the service with it.
                await self._service(service_id, kinds)
                raise
        return delivered

    async def _service(self, service_id: str, kinds: Collection[Scope]) -> Holder:
        principal, view = self._scope.principal, self._scope.view
        named = HolderReference(None, service_id)
        service = await access.require_on(view, principal, Permission.SECRET_DELIVER, named)
        if service.kind not in kinds:
            raise HolderNotFound(None, service_id)
        return service

    async def _set(self, service: Holder, secrets: Sequence[RuntimeSecret]) -> RuntimeSet:
        vault, project_id = self._context.vault, service.project_id
        work = partial(_fingerprint, vault.fingerprints_of_sets(project_id), service, secrets)
        return RuntimeSet(
            service=service,
            secrets=secrets,
            fingerprint=await in_turn(work, _contents(secrets)),
            fingerprint_of=vault.fingerprints_of_values(project_id),
        )

    async def _record(self, event: AuditDraft, *, keeps_view: bool) -> None:
        async with self._scope.writing(
            DEFAULT_WRITE_OPTIONS, is_bounded=False, keeps_view=keeps_view
        ) as record:
            record.drafts.append(event)
        self._context.deliveries.recorded += 1


async def _ensure_fits(form: DeliveryFormat, delivered: RuntimeSet) -> None:
    secrets = delivered.secrets
    variables = {item.key: item.value for item in secrets}
    contents = {item.key: item.file.content for item in secrets if item.file}
    work = partial(ensure_fits, form, delivered.service.name, variables, contents)
    await in_turn(work, _contents(secrets))


def _selected(
    secrets: Sequence[RuntimeSecret], keys: Collection[str] | None
) -> Sequence[RuntimeSecret]:
    if keys is None:
        return secrets
    return sorted((item for item in secrets if item.key in keys), key=lambda item: item.key)


def _contents(secrets: Sequence[RuntimeSecret]) -> Iterator[str]:
    for secret in secrets:
        yield secret.value
        if secret.file:
            yield secret.file.content


def _fingerprint(
    fingerprint: Fingerprint, service: Holder, secrets: Sequence[RuntimeSecret]
) -> str:
    parts = [
        (item.key, item.value, item.is_file, item.file and item.file.content) for item in secrets
    ]
    return fingerprint(json.dumps([service.name, parts]))


def _to_event(
    delivered: RuntimeSet, sources: Mapping[str, Secret], request: DeliveryRequest
) -> AuditDraft:
    service = delivered.service
    versions = {source.id: source.version for source in sources.values()}
    details: dict[str, Any] = {"secrets": versions, "keys": len(delivered.secrets)}
    if request.keys is not None:
        details["requested_keys"] = sorted(set(request.keys))
    if not request.with_files:
        details["with_files"] = False
    return AuditDraft(
        action=AuditAction.VALUES_DELIVERED,
        subject=AuditSubject.HOLDER,
        subject_id=service.id,
        organization_id=service.organization_id,
        project_id=service.project_id,
        holder_id=service.id,
        details=details,
    )


async def _expand(
    sources: DeliverySources, admit: Admit, check: CheckReferences | None
) -> Sequence[RuntimeSecret]:
    secrets, texts = sources.secrets, sources.texts
    interpolator = await in_turn(partial(_interpolator, secrets, texts), texts.values())
    admit(DeliverySize(len(secrets), interpolator.size))
    if check is not None:
        check(await in_turn(lambda: interpolator.unresolved, texts.values()))
    expanded, files = await in_turn(interpolator.expand, texts.values())
    return [_to_delivery(key, expanded[key], files.get(key), secrets[key]) for key in secrets]


def _interpolator(sources: Mapping[str, Secret], texts: Mapping[str, str]) -> Interpolator:
    paths = {key: path for key, source in sources.items() if (path := source.mount_path_of_file)}
    files = {key: text for key, text in texts.items() if key in paths}
    return Interpolator(
        {key: text for key, text in texts.items() if key not in paths},
        paths=paths,
        files={key: text for key, text in files.items() if sources[key].is_expanded},
        verbatim={key: text for key, text in files.items() if not sources[key].is_expanded},
    )


def _to_delivery(key: str, value: str, content: str | None, source: Secret) -> RuntimeSecret:
    file = None if content is None else RuntimeFile(value, content)
    return RuntimeSecret(key, value, file, is_file=source.mount_path_of_file is not None)
