"""Which part of a list is wanted, and in what order."""

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
from schema.inputs import given

Given = TypeVar("Given")


@strawberry.input(description="Which secrets are wanted: those that match every field given.")
class SecretFilter:
    key_prefix: str | None = strawberry.field(
        default=strawberry.UNSET, description="Keys which start so."
    )
    keys: list[str] | None = strawberry.UNSET
    scopes: list[APIVariableScopeEnum] | None = strawberry.UNSET
    variable_types: list[APIVariableTypeEnum] | None = strawberry.UNSET

    def wanted(self) -> DomainFilter:
        """Return the domain's filter."""
        return DomainFilter(
            key_prefix=given(self.key_prefix),
            keys=_tuple(self.keys),
            scopes=_tuple(self.scopes),
            variable_types=_tuple(self.variable_types),
        )


@strawberry.input(description="An order of secrets. Ties are broken by id, so a page is stable.")
class SecretOrder:
    field: SecretOrderField = SecretOrderField.KEY
    direction: OrderDirection = OrderDirection.ASC

    def wanted(self) -> DomainOrder:
        """Return the domain's order."""
        return DomainOrder(field=self.field, is_descending=self.direction is OrderDirection.DESC)


def _tuple(items: list[Given] | None) -> tuple[Given, ...] | None:
    wanted = given(items)
    return None if wanted is None else tuple(wanted)


def wanted_order(order_by: SecretOrder | None) -> DomainOrder:
    """Return the order that was asked for, or the one by key."""
    order = given(order_by)
    return order.wanted() if order else BY_KEY


def wanted_filter(only: SecretFilter | None) -> DomainFilter:
    """Return the filter that was asked for, or none."""
    wanted = given(only)
    return wanted.wanted() if wanted else ANY_SECRET


def wanted_window(
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
) -> Window:
    """Return the window that the four arguments of a connection describe.

    Raises:
        InvalidInput: if both sizes are given, or one is out of bounds.

    """
    return window(first=given(first), after=given(after), last=given(last), before=given(before))
