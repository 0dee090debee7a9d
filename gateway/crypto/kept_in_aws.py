"""Key-encryption keys that AWS KMS holds: data keys go there to be wrapped and unwrapped.

The encryption context says whose data key it is, so KMS refuses one in another's place; its own
log tells each use.
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
# How long nobody is asked again after KMS did not answer: requests do not queue up behind it.
_PAUSE_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 1
_ANSWER_SECONDS: Final = 2


class MissingLibrary(RefusedStart):
    """boto3 is not installed."""

    def __init__(self) -> None:
        super().__init__("Keys in AWS KMS need boto3: install the gateway with its extra `aws`.")


class KeysInAws:
    """Wraps with one key of KMS, unwraps with any that the credentials may use."""

    name: Final = "aws-kms"

    def __init__(
        self,
        key_id: str,
        *,
        endpoint: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a key's id, ARN or alias; credentials and region come from where boto3 looks.

        Raises:
            MissingLibrary: without boto3.
            RefusedStart: if boto3 cannot make a client, e.g. without a region.

        """
        self._key_id = key_id
        self._clock = clock
        self._silent_until = 0.0
        self._client = _client(endpoint)

    def knows(self, kek_id: str) -> bool:
        """Tell whether it is a key of KMS."""
        return kek_id.startswith(_PREFIX)

    async def current_id(self) -> str:
        """Return the id behind the key's id, ARN or alias.

        Raises:
            KeysUnavailable: if KMS does not answer, or refuses.

        """
        response = await self._ask("describe_key", KeyId=self._key_id)
        return _kek_id(response["KeyMetadata"]["Arn"])

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Let KMS encrypt a data key.

        Raises:
            KeysUnavailable: if KMS does not answer, or refuses.

        """
        response = await self._ask(
            "encrypt", KeyId=self._key_id, Plaintext=key, EncryptionContext=_context(identity)
        )
        return Wrapped(_kek_id(response["KeyId"]), response["CiphertextBlob"])

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Let KMS decrypt a data key.

        Raises:
            TamperedCiphertext: if it is not what was encrypted for this identity.
            KeysUnavailable: if KMS does not answer, or refuses.

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
        # Keys of another account are found by their ARN only.
        place, is_arn, _ = self._key_id.partition(":key/")
        return f"{place}:key/{key_id}" if is_arn else key_id

    async def _ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        if self._clock() < self._silent_until:
            raise KeysUnavailable
        try:
            # boto3 waits for the network in place, so it does so in a thread.
            return await asyncio.to_thread(getattr(self._client, operation), **arguments)
        except Exception as error:  # noqa: BLE001 - boto3's own may only be imported with it
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
        message = f"boto3 makes no client for KMS: {type(error).__name__}."
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
