"""Which files can be in one service together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gateway.domain.holders import Relation
from gateway.domain.secrets import Secret, SecretType


def collide(path: str, other: str) -> bool:
    """Tell whether files cannot be at both paths: they are one, or one has to be a folder."""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def folders_of(path: str) -> list[str]:
    """Return the folders that a file at that path needs, but for the root."""
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]


def file_of(secret: Secret) -> str | None:
    """Return the id of the FILE whose path a secret has; None if it is no file.

    Of an alias it is its target, even where that is an override: see `base_id`.
    """
    if secret.variable_type is SecretType.FILE:
        return secret.id
    return secret.target.id if secret.target and secret.target.mount_path else None


@dataclass(slots=True)
class FilePaths:
    """Files that a new secret may meet, and what refers to them: aliases and overrides."""

    files: list[Secret] = field(default_factory=list)
    referring: list[Secret] = field(default_factory=list)

    def conflict(self, new: Secret) -> Secret | None:
        """Return what a new secret cannot be delivered with, for some service.

        A file needs a path of its own. An alias shows the file that it refers to, wherever an
        override replaces it: then there would be two contents for one path.
        """
        if new.mount_path is not None:
            return next(self._colliding(new, new.mount_path), None)
        file_id = self._base_id(new)
        if file_id is None:
            return None
        family = [item for item in self.referring if self._base_id(item) == file_id]
        return _other_content(new, file_id, family)

    def add(self, new: Secret) -> None:
        """Take a secret as stored."""
        if new.mount_path is not None:
            self.files.append(new)
        elif self._base_id(new) is not None:
            self.referring.append(new)

    def _colliding(self, new: Secret, path: str) -> Iterator[Secret]:
        for file in self.files:
            is_apart = new.holder.relation_of(file.holder) is Relation.APART
            if not is_apart and file.mount_path and collide(path, file.mount_path):
                yield file

    def _base_id(self, secret: Secret) -> str | None:
        """Return the id of the FILE that a referring secret comes down to."""
        if (found := file_of(secret)) or secret.target is None:
            return found
        # An alias of an override: that refers to the file.
        middle = next((item for item in self.referring if item.id == secret.target.id), None)
        return file_of(middle) if middle else None


def _other_content(new: Secret, file_id: str, family: Iterable[Secret]) -> Secret | None:
    members = [*family, new]
    for at in members:
        # A service at each of these holders sees the most of them that any service can.
        if new.holder.id not in at.holder.chain_ids:
            continue
        seen = [member for member in members if member.holder.id in at.holder.chain_ids]
        overrides = [item for item in seen if item.is_override]
        winner = max(overrides, key=lambda override: override.holder.kind.rank, default=None)
        content = winner.id if winner else file_id
        for each in seen:
            if each.is_alias and each.target and each.target.id != content:
                return (winner or each) if each is new else each
    return None
