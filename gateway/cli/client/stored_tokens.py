"""A token as it is stored: alone, or with what is known of its end and renews it."""

import json
from dataclasses import asdict, dataclass, field
from types import NoneType
from typing import Final, Self

# Seconds before its end from which a token is not used: it must outlast a command's requests.
_MARGIN: Final = 60.0
# No token begins with it.
_OBJECT: Final = "{"
_TEXT: Final = (str, NoneType)
# Of the members that are not a text, or must be one.
_TYPES: Final = {"token": (str,), "expires_at": (int, float, NoneType)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """`expires_at` is in seconds since 1970; None if the issuer did not say, or there is none.

    The text of a token from an issuer is a JSON object; of any other one, the token itself.
    """

    token: str = field(repr=False)
    issuer: str | None = None
    client_id: str | None = None
    expires_at: float | None = None
    refresh_token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the token in a text.

        Raises:
            ValueError: if the text is an object without a token, or with something else.
            TypeError: as above.

        """
        stored = cls(**json.loads(text)) if text.startswith(_OBJECT) else cls(token=text)
        for name, value in asdict(stored).items():
            if type(value) not in _TYPES.get(name, _TEXT):
                raise TypeError
        return stored

    @property
    def text(self) -> str:
        return self.token if self.issuer is None else json.dumps(asdict(self))

    def has_ended(self, at: float) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def is_due(self, at: float) -> bool:
        """Return whether a token must be renewed before it is used."""
        return self.has_ended(at + _MARGIN)
