"""Breaks the import cycle between the types of holders and secrets with late imports.

A secret has a field for its holder, and a holder has a field for its secrets. Only this module
imports late.
"""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from gateway.domain.holders import Holder
from gateway.domain.pages import Page

if TYPE_CHECKING:
    from schema.holders import SecretHolder, ServiceConnection

LazyHolder: TypeAlias = Annotated["SecretHolder", strawberry.lazy("schema.holders")]
LazyServices: TypeAlias = Annotated["ServiceConnection", strawberry.lazy("schema.holders")]


def wrapped_holder(holder: Holder) -> LazyHolder:
    """Wrap a holder in the type of its kind."""
    from schema.holders import holder_type  # noqa: PLC0415 - breaks the cycle

    return holder_type(holder)


def wrapped_services(page: Page[Holder]) -> LazyServices:
    """Wrap a page of services."""
    from schema.holders import ServiceConnection, service_type  # noqa: PLC0415 - as above

    return ServiceConnection.of(page, service_type)
