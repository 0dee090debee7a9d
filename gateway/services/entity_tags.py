"""The entity tags of secrets and lists. They are keyed, so they only show equality."""

import json
from hashlib import blake2b
from typing import Final

from gateway.domain.drafts import WriteOptions
from gateway.domain.entity_tags import EntityTags
from gateway.domain.principals import Principal
from gateway.domain.refusals import EntityTagConflict
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ServiceContext

_BYTES: Final = 16
# Separates the two kinds: the tag of a list is never the tag of a secret.
_SECRET: Final = b"secret"
_LIST: Final = b"list"


class EntityTagging:
    """Computes entity tags, and checks preconditions against them."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def of_secret(self, secret: Secret, *, principal: Principal) -> str:
        """Return a secret's strong tag.

        It changes with everything that the secret's response shows: its version, the version of its
        target if the principal can see it, and the name of its service.
        """
        target = access.seen_target(principal, secret)
        parts = [
            secret.id,
            secret.version,
            target and target.id,
            target and secret.target_version,
            secret.service and secret.service.name,
        ]
        return self._tag(_SECRET, json.dumps(parts).encode())

    def of_list(self, body: bytes) -> str:
        """Return the strong tag of a list, from its serialized text."""
        return self._tag(_LIST, body)

    def ensure_match(self, secret: Secret, options: WriteOptions, *, principal: Principal) -> None:
        """Refuse to change a secret whose tag is not an expected one.

        Raises:
            EntityTagConflict: with the secret.

        """
        if options.if_match is None:
            return
        expected = EntityTags.parse(options.if_match)
        if not expected.match_strongly(self.of_secret(secret, principal=principal)):
            raise EntityTagConflict(secret.id)

    def _tag(self, kind: bytes, content: bytes) -> str:
        key = self._context.vault.entity_tag_key
        return f'"{blake2b(content, digest_size=_BYTES, key=key, person=kind).hexdigest()}"'
