"""Where the key that wraps all others is kept.

The encryption context names the data key's owner, so KMS refuses to unwrap it for another owner.
KMS logs each use.
"""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.crypto.envelope import KEY_BYTES, TamperedCiphertext, keyed_hash, seal, unseal
from gateway.crypto.keyfile import KeyFile
from gateway.crypto.keyring import Wrapped
from gateway.domain.content import NeverStored
from gateway.domain.errors import KeysUnavailable, RefusedStart

_ENVIRONMENT_PREFIX: Final = "env-"
# 32 random bytes have about 30 different values; a word, a pattern or a placeholder far fewer.
_LEAST_DIFFERENT: Final = 20


class WeakKey(RefusedStart):
    def __init__(self) -> None:
        super().__init__(
            "The key in the environment must be 32 random bytes in base64: "
            "create one with `openssl rand -base64 32`."
        )


class KeyInEnvironment(NeverStored):
    __slots__ = ("_id", "_key")
    name: Final = "env"

    def __init__(self, text: str) -> None:
        """Take the key as it is set.

        Raises:
            WeakKey: if it is short, a pattern, or not base64.

        """
        self._key = _decode(text)
        # Identifies the key without revealing anything about it, so that a wrong key is noticed.
        self._id = _ENVIRONMENT_PREFIX + keyed_hash(self._key, b"id").hex()[:16]

    def knows(self, kek_id: str) -> bool:
        return kek_id == self._id

    async def current_id(self) -> str:
        return self._id

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        return Wrapped(self._id, seal(self._key, key, "dek", *identity, self._id))

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key.

        Raises:
            TamperedCiphertext: if the key, the identity or any byte differs.

        """
        return unseal(self._key, wrapped.ciphertext, "dek", *identity, wrapped.kek_id)


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WeakKey from None
    if len(key) != KEY_BYTES or len(set(key)) < _LEAST_DIFFERENT or _is_pattern(key):
        raise WeakKey
    return key


def _is_pattern(key: bytes) -> bool:
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return len(steps) == 1 or key.isascii()


class KeysInFile(NeverStored):
    """Wraps with the file's primary key, unwraps with any of its keys.

    The file is small and local, so it is read synchronously. It is read again for each new data
    key, so that a replaced key wraps nothing more, and when a data key names an unknown key.
    """

    __slots__ = ("_key_file", "path")
    name: Final = "keyfile"

    def __init__(self, path: Path, key_file: KeyFile) -> None:
        self.path = path
        self._key_file = key_file

    def knows(self, kek_id: str) -> bool:
        """Return whether the file has the key, now or when it was last read."""
        if kek_id not in self._key_file.keys:
            self._read()
        return kek_id in self._key_file.keys

    async def current_id(self) -> str:
        """Return the primary key's id.

        Raises:
            KeysUnavailable: if the file cannot be read.

        """
        self._read()
        return self._key_file.primary

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Encrypt a data key with the primary key.

        Raises:
            KeysUnavailable: if the file cannot be read.

        """
        self._read()
        return Wrapped(self._key_file.primary, self._key_file.wrap(key, *identity))

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key.

        Raises:
            TamperedCiphertext: if the file lacks the key, or the identity or any byte differs.

        """
        return self._key_file.unwrap(wrapped.ciphertext, wrapped.kek_id, *identity)

    def add_key(self) -> str:
        self._key_file = KeyFile.add_primary(self.path)
        return self._key_file.primary

    def other_keys(self, still_needed: set[str]) -> list[str]:
        self._read()
        return self._key_file.others(still_needed)

    def remove_keys(self, still_needed: set[str]) -> list[str]:
        self._key_file, removed = KeyFile.remove_others(self.path, still_needed)
        return removed

    def _read(self) -> None:
        try:
            self._key_file = KeyFile.load(self.path)
        except RefusedStart:
            raise KeysUnavailable from None


_log = structlog.get_logger(__name__)

_AWS_PREFIX: Final = "aws-kms:"
_REFUSES_CIPHERTEXT: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
# Pause after KMS did not answer: requests fail at once and do not queue.
_PAUSE_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 1
_ANSWER_SECONDS: Final = 2


class MissingLibrary(RefusedStart):
    def __init__(self) -> None:
        super().__init__("Keys in AWS KMS need boto3: install the gateway with its extra `aws`.")


class KeysInAws:
    """Wraps with one key of KMS, unwraps with any key that the credentials can use."""

    name: Final = "aws-kms"

    def __init__(
        self,
        key_id: str,
        *,
        endpoint: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a key's id, ARN or alias; boto3 finds credentials and region as it always does.

        Raises:
            MissingLibrary: without boto3.
            RefusedStart: if boto3 cannot make a client, e.g. without a region.

        """
        self._key_id = key_id
        self._clock = clock
        self._silent_until = 0.0
        self._client = _client(endpoint)

    def knows(self, kek_id: str) -> bool:
        return kek_id.startswith(_AWS_PREFIX)

    async def current_id(self) -> str:
        """Return the id behind the key's id, ARN or alias.

        Raises:
            KeysUnavailable: if KMS does not answer or refuses.

        """
        response = await self._ask("describe_key", KeyId=self._key_id)
        return _kek_id(response["KeyMetadata"]["Arn"])

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Encrypt a data key with KMS.

        Raises:
            KeysUnavailable: if KMS does not answer or refuses.

        """
        response = await self._ask(
            "encrypt", KeyId=self._key_id, Plaintext=key, EncryptionContext=_context(identity)
        )
        return Wrapped(_kek_id(response["KeyId"]), response["CiphertextBlob"])

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key with KMS.

        Raises:
            TamperedCiphertext: if the wrapped key was not encrypted for this identity.
            KeysUnavailable: if KMS does not answer or refuses.

        """
        response = await self._ask(
            "decrypt",
            KeyId=self._full_id(wrapped.kek_id.removeprefix(_AWS_PREFIX)),
            CiphertextBlob=wrapped.ciphertext,
            EncryptionContext=_context(identity),
        )
        key: bytes = response["Plaintext"]
        return key

    def _full_id(self, key_id: str) -> str:
        # A key of another account is found only by its ARN.
        prefix, is_arn, _ = self._key_id.partition(":key/")
        return f"{prefix}:key/{key_id}" if is_arn else key_id

    async def _ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        if self._clock() < self._silent_until:
            raise KeysUnavailable
        try:
            # boto3 blocks while it waits for the network, so it runs in a thread.
            return await asyncio.to_thread(getattr(self._client, operation), **arguments)
        except Exception as error:  # noqa: BLE001 - boto3's own errors exist only after its import
            code = _code(error)
            if code in _REFUSES_CIPHERTEXT:
                raise TamperedCiphertext from None
            self._silent_until = self._clock() + _PAUSE_SECONDS
            _log.warning("key_provider_failed", provider=self.name, operation=operation, code=code)
            raise KeysUnavailable from None


def _client(endpoint: str | None) -> Any:  # noqa: ANN401 - boto3 makes its clients as it runs
    try:
        boto3, config = import_module("boto3"), import_module("botocore.config")
    except ModuleNotFoundError:
        raise MissingLibrary from None
    quick = config.Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    try:
        return boto3.client("kms", endpoint_url=endpoint, config=quick)
    except Exception as error:  # noqa: BLE001 - as above
        message = f"boto3 cannot create a client for KMS: {type(error).__name__}."
        raise RefusedStart(message) from None


def _kek_id(arn: str) -> str:
    return _AWS_PREFIX + arn.rpartition("/")[2]


def _context(identity: tuple[str, ...]) -> dict[str, str]:
    owner, key_id = identity
    return {"purpose": "secrets-gateway data key", "owner": owner, "data_key": key_id}


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    code: str = response["Error"]["Code"] if response else type(error).__name__
    return code
