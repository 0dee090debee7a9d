"""Mount paths of files: which of them one service cannot get together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gateway.domain.holders import Relation
from gateway.domain.secrets import Secret, SecretType


def collide(path: str, other: str) -> bool:
    """Return whether two paths exclude each other: equal, or one is a folder of the other."""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def folders_of(path: str) -> list[str]:
    """Return the folders that a file at that path needs, without the root."""
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]


def file_of(secret: Secret) -> str | None:
    """Return the id of the FILE or target whose path a secret has; None if it has no path.

    For an alias it is the target's id, even if the target is an override: see `_base_id`.
    """
    if secret.variable_type is SecretType.FILE:
        return secret.id
    return secret.target.id if secret.target and secret.target.mount_path else None


@dataclass(slots=True)
class FilePaths:
    files: list[Secret] = field(default_factory=list)
    referring: list[Secret] = field(default_factory=list)

    def conflict(self, new: Secret) -> Secret | None:
        """Return a secret that some service could not get together with the new one.

        Each file needs its own path. An alias delivers the file that it refers to, even where an
        override replaces that file. Together they would give one path two contents.
        """
        if new.mount_path is not None:
            return next(self._colliding(new, new.mount_path), None)
        file_id = self._base_id(new)
        if file_id is None:
            return None
        family = [item for item in self.referring if self._base_id(item) == file_id]
        return _other_content(new, file_id, family)

    def add(self, new: Secret) -> None:
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
        """Return the id of the FILE that a secret finally refers to."""
        if (found := file_of(secret)) or secret.target is None:
            return found
        # For an alias of an override, the override refers to the file.
        middle = next((item for item in self.referring if item.id == secret.target.id), None)
        return file_of(middle) if middle else None


def _other_content(new: Secret, file_id: str, family: Iterable[Secret]) -> Secret | None:
    members = [*family, new]
    for at in members:
        # A service at one of these holders sees as many of them as any service can.
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
