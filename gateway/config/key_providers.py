"""The key ring that the settings describe."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.config.former_names import PREFIX
from gateway.config.settings import Settings
from gateway.config.types import KeyProviderName
from gateway.crypto.key_providers import KeyInEnvironment, KeysInAws, KeysInFile
from gateway.crypto.keyfile import KeyFile
from gateway.crypto.keyring import KeyProvider, KeyRing
from gateway.domain.errors import RefusedStart

_KEY: Final = f"{PREFIX}KEY"
_KMS_KEY_ID: Final = f"{PREFIX}KMS_KEY_ID"
# A provider that is not chosen creates nothing.
_IS_NOT_FRESH: Final = False


class MissingKeySetting(RefusedStart):
    def __init__(self, setting: str) -> None:
        super().__init__(f"The key provider needs the setting {setting}.")


def key_ring(settings: Settings, *, is_fresh: bool) -> KeyRing:
    """Return the ring: the chosen provider, and any others that the settings name.

    The others unwrap what they wrapped before the chosen one replaced them. A key file is created
    only for a fresh database, and only if it is the chosen provider.

    Raises:
        RefusedStart: if a provider is unusable; the message says what to do.

    """
    chosen = settings.key_provider
    primary = _PROVIDERS[chosen](settings, is_fresh)
    others = [
        make(settings, _IS_NOT_FRESH)
        for name, make in _PROVIDERS.items()
        if name is not chosen and _IS_NAMED[name](settings)
    ]
    return KeyRing(primary, others)


def _in_file(settings: Settings, is_fresh: bool) -> KeyProvider:  # noqa: FBT001 - a row's signature
    path = settings.resolved_key_file
    key_file = KeyFile.load_or_create(path) if is_fresh else KeyFile.load(path)
    return KeysInFile(path, key_file)


def _in_environment(settings: Settings, _: bool) -> KeyProvider:  # noqa: FBT001 - as above
    if settings.key is None:
        raise MissingKeySetting(_KEY)
    return KeyInEnvironment(settings.key.get_secret_value())


def _in_aws(settings: Settings, _: bool) -> KeyProvider:  # noqa: FBT001 - as above
    if settings.kms_key_id is None:
        raise MissingKeySetting(_KMS_KEY_ID)
    return KeysInAws(settings.kms_key_id, endpoint=settings.kms_endpoint)


_PROVIDERS: Final[Mapping[KeyProviderName, Callable[[Settings, bool], KeyProvider]]] = {
    KeyProviderName.KEYFILE: _in_file,
    KeyProviderName.ENV: _in_environment,
    KeyProviderName.AWS_KMS: _in_aws,
}
_IS_NAMED: Final[Mapping[KeyProviderName, Callable[[Settings], bool]]] = {
    KeyProviderName.KEYFILE: lambda item: item.resolved_key_file.is_file(),
    KeyProviderName.ENV: lambda item: item.key is not None,
    KeyProviderName.AWS_KMS: lambda item: item.kms_key_id is not None,
}
