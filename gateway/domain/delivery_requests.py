"""What a client asks of a delivery, besides the service."""

from dataclasses import dataclass
from typing import Final

from gateway.domain.content import ensure_key_syntax
from gateway.domain.delivery_formats import DeliveryFormat
from gateway.domain.entity_tags import EntityTags
from gateway.domain.errors import Argument, InvalidInput

MAX_REQUESTED_KEYS: Final = 100


class TooManyRequestedKeys(InvalidInput):
    def __init__(self) -> None:
        super().__init__(
            Argument.KEY,
            f"A delivery must name at most {MAX_REQUESTED_KEYS} keys. Without any, it has all.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRequest:
    """Which keys to deliver (None: all), whether with the contents of files, and what is known.

    `if_none_match` has the entity tags of the sets that the client has, as the header of that name.
    `form` is the format that they must fit, if any.
    """

    keys: tuple[str, ...] | None = None
    with_files: bool = True
    if_none_match: str | None = None
    form: DeliveryFormat | None = None

    def ensure_valid(self) -> None:
        """Refuse texts that cannot be keys or entity tags, and too many keys.

        Raises:
            InvalidInput: naming the rule.

        """
        if len(self.keys or ()) > MAX_REQUESTED_KEYS:
            raise TooManyRequestedKeys
        for key in self.keys or ():
            ensure_key_syntax(key)
        if self.if_none_match is not None:
            EntityTags.parse(self.if_none_match)

    def is_known(self, fingerprint: str) -> bool:
        """Return whether the client has the set with this fingerprint."""
        tags = self.if_none_match
        return tags is not None and EntityTags.parse(tags).match_weakly(set_tag(fingerprint))


def set_tag(fingerprint: str) -> str:
    """Return the strong entity tag of a delivered set."""
    return f'"{fingerprint}"'


EVERYTHING: Final = DeliveryRequest()
