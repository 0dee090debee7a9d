"""The entity tags of secrets and lists. They are keyed, so they only show equality."""

import json
from hashlib import blake2b
from typing import Final

from gateway.domain.entity_tags import EntityTags
from gateway.domain.principals import Principal
from gateway.domain.refusals import EntityTagConflict
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.vault import Vault

_BYTES: Final = 16
# Separates the two kinds: the tag of a list is never the tag of a secret.
_SECRET: Final = b"secret"
_LIST: Final = b"list"


def tag_of_secret(vault: Vault, secret: Secret, *, principal: Principal) -> str:
    """Return a secret's strong tag.

    It changes with everything that the secret's response shows: its version, the version of its
    target if the principal can see it, and the name of its service.
    """
    target = access.visible_target(principal, secret)
    parts = [
        secret.id,
        secret.version,
        target and target.id,
        target and secret.target_version,
        secret.service and secret.service.name,
    ]
    return _tag(vault, _SECRET, json.dumps(parts).encode())


def tag_of_list(vault: Vault, body: bytes) -> str:
    """Return the strong tag of a list, from its serialized text."""
    return _tag(vault, _LIST, body)


def ensure_match(
    vault: Vault, secret: Secret, if_match: str | None, *, principal: Principal
) -> None:
    """Refuse to change a secret whose tag is not an expected one.

    Raises:
        EntityTagConflict: with the secret.

    """
    if if_match is None:
        return
    expected = EntityTags.parse(if_match)
    if not expected.match_strongly(tag_of_secret(vault, secret, principal=principal)):
        raise EntityTagConflict(secret.id)


def _tag(vault: Vault, kind: bytes, content: bytes) -> str:
    tag = blake2b(content, digest_size=_BYTES, key=vault.entity_tag_key, person=kind).hexdigest()
    return f'"{tag}"'
