"""Key-encryption keys that AWS KMS holds: KMS wraps and unwraps the data keys.

The encryption context names the data key's owner, so KMS refuses to unwrap it for another owner.
KMS logs each use.
"""

import asyncio
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import structlog

from gateway.crypto.envelope import TamperedCiphertext
from gateway.crypto.keyring import Wrapped
from gateway.domain.errors import KeysUnavailable, RefusedStart

_log = structlog.get_logger(__name__)

_PREFIX: Final = "aws-kms:"
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
        return kek_id.startswith(_PREFIX)

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
            KeyId=self._named(wrapped.kek_id.removeprefix(_PREFIX)),
            CiphertextBlob=wrapped.ciphertext,
            EncryptionContext=_context(identity),
        )
        key: bytes = response["Plaintext"]
        return key

    def _named(self, key_id: str) -> str:
        # A key of another account is found only by its ARN.
        place, is_arn, _ = self._key_id.partition(":key/")
        return f"{place}:key/{key_id}" if is_arn else key_id

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
    return _PREFIX + arn.rpartition("/")[2]


def _context(identity: tuple[str, ...]) -> dict[str, str]:
    owner, key_id = identity
    return {"purpose": "secrets-gateway data key", "owner": owner, "data_key": key_id}


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    code: str = response["Error"]["Code"] if response else type(error).__name__
    return code
