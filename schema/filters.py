"""Filters, orders and windows of lists."""

from typing import TypeVar

import strawberry

from gateway.domain.pages import ANY_SECRET, BY_KEY, Window, window
from gateway.domain.pages import SecretFilter as DomainFilter
from gateway.domain.pages import SecretOrder as DomainOrder
from schema.enums import (
    APIVariableScopeEnum,
    APIVariableTypeEnum,
    OrderDirection,
    SecretOrderField,
)
from schema.fields import optional
from schema.inputs import unset_to_none

Given = TypeVar("Given")


@strawberry.input(description="Returns the secrets that match every given field.")
class SecretFilter:
    key_prefix: str | None = optional("Keys that start with this text.")
    keys: list[str] | None = optional("Any of these keys.")
    scopes: list[APIVariableScopeEnum] | None = optional("Any of these scopes.")
    variable_types: list[APIVariableTypeEnum] | None = optional("Any of these types.")

    def to_domain(self) -> DomainFilter:
        """Return the domain's filter."""
        return DomainFilter(
            key_prefix=unset_to_none(self.key_prefix),
            keys=_tuple(self.keys),
            scopes=_tuple(self.scopes),
            variable_types=_tuple(self.variable_types),
        )


@strawberry.input(description="An order of secrets. Ties are broken by id, so pages are stable.")
class SecretOrder:
    field: SecretOrderField = strawberry.field(
        default=SecretOrderField.KEY, description="The field to order by."
    )
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="The direction of the order."
    )

    def to_domain(self) -> DomainOrder:
        """Return the domain's order."""
        return DomainOrder(field=self.field, is_descending=self.direction is OrderDirection.DESC)


def _tuple(items: list[Given] | None) -> tuple[Given, ...] | None:
    chosen = unset_to_none(items)
    return None if chosen is None else tuple(chosen)


def to_order(order_by: SecretOrder | None) -> DomainOrder:
    """Return the requested order, or the one by key."""
    order = unset_to_none(order_by)
    return order.to_domain() if order else BY_KEY


def to_filter(only: SecretFilter | None) -> DomainFilter:
    """Return the requested filter, or the one that matches every secret."""
    chosen = unset_to_none(only)
    return chosen.to_domain() if chosen else ANY_SECRET


def to_window(
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
) -> Window:
    """Return the window that the four arguments of a connection set.

    Raises:
        InvalidInput: if both sizes are set, or one is out of bounds.

    """
    return window(
        first=unset_to_none(first),
        after=unset_to_none(after),
        last=unset_to_none(last),
        before=unset_to_none(before),
    )
