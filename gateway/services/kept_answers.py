"""Answers to whole requests, kept in the memory of the view's connection.

An answer is used again only while it must come out the same: see `ReadUnit.remember`. The principal
is read in each request, and is a part of the key.
"""

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from secrets import token_bytes
from typing import Final, Self

from gateway.domain.errors import Unavailable
from gateway.domain.principals import Principal
from gateway.domain.request_records import note_holder, noted_holder
from gateway.storage.unit_of_work import ReadUnit

# Of this process: a hash reveals nothing without it.
_KEY: Final = token_bytes(32)


def hash_of(asked: bytes) -> bytes:
    """Return a keyed hash of what is asked, which can be long and have the value of a secret."""
    return blake2b(asked, key=_KEY).digest()


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer's JSON, its entity tag if it has one, and the holder that its request was about."""

    content: bytes = field(repr=False)
    tag: str
    holder_id: str | None


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """What a view's connection knows of a principal's earlier requests; nothing without memory."""

    view: ReadUnit | None
    who: Hashable

    @classmethod
    def of(cls, view: ReadUnit | None, principal: Principal, *, supports_external: bool) -> Self:
        who = principal.kind, principal.id, principal.organization_id, principal.expires_at
        # Which rules apply depends on the claims of the token and on the time, too.
        rules = frozenset(rule.id for rule in principal.claim_rules)
        return cls(view, (who, rules, supports_external))

    def key(self, asked: bytes) -> Hashable:
        """Return a hash of all that decides an answer, besides the database's state."""
        return self.who, hash_of(asked)

    async def find(self, key: Hashable) -> KeptAnswer | None:
        """Return the answer, and note its holder for the log.

        Raises:
            Unavailable: if the database does not answer.

        """
        memory = None if self.view is None else await self.view.kept_answers(key)
        known: KeptAnswer | None = None if memory is None else memory.get(key)
        if known is not None and known.holder_id is not None:
            note_holder(known.holder_id)
        return known

    async def keep(self, key: Hashable, content: bytes, tag: str = "") -> None:
        """Keep an answer, unless the view has forgotten its memory.

        Such a view delivers values, or shows what has no event.
        """
        if self.view is None:
            return
        # The answer is there, also if the database no longer is.
        with suppress(Unavailable):
            if (memory := await self.view.kept_answers()) is not None:
                memory.keep(key, KeptAnswer(content, tag, noted_holder()), len(content))
