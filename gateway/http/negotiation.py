"""Content negotiation for GraphQL responses."""

from collections.abc import Iterator
from typing import Final

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
# If a client accepts both equally: the type that it names, or the newer one of two named.
_OFFERED: Final = (GRAPHQL_JSON, JSON)
EVENTS: Final = "text/event-stream"
_RANGES: Final = ("*/*", "application/*")
_MAX_LENGTH: Final = 1_000


def preferred(accept: str) -> str:
    """Return the media type of the response; plain JSON if the header names neither type."""
    wishes = _named(accept)
    anything = max((wishes.get(kind, 0.0) for kind in _RANGES), default=0.0)
    weights = {kind: wishes.get(kind, 0.0) for kind in _OFFERED}
    if not any(weights.values()):
        return JSON
    if JSON not in wishes and anything > weights[GRAPHQL_JSON]:
        return JSON
    return max(_OFFERED, key=lambda kind: weights[kind])


def takes_events(accept: str) -> bool:
    return _named(accept).get(EVENTS, 0.0) > 0


def takes_events_only(accept: str) -> bool:
    """Return whether a client accepts only an event stream."""
    wishes = _named(accept)
    return wishes.get(EVENTS, 0.0) > 0 and not any(
        wishes.get(kind, 0.0) for kind in (*_OFFERED, *_RANGES)
    )


def _named(accept: str) -> dict[str, float]:
    return dict(_wishes(accept[:_MAX_LENGTH].lower()))


def _wishes(accept: str) -> Iterator[tuple[str, float]]:
    for wish in accept.split(","):
        kind, *parameters = (part.strip() for part in wish.split(";"))
        yield (
            kind,
            min(
                (_weight(parameter) for parameter in parameters if parameter.startswith("q=")),
                default=1.0,
            ),
        )


def _weight(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0
