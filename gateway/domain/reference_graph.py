"""Compute which keys of services change with a secret, without reading values.

Names are keyed hashes, since names inside values are stored only in that form. Two texts count as
equal if they are the same value of the same secret and their references resolve to equal texts.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from gateway.domain.change_feed import ChangeKind, SecretChange
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.interpolation import topological_order
from gateway.domain.secrets import Secret, SecretType

# The most references between secrets that one computation follows.
MAX_FOLLOWED: Final = 500_000

Name = bytes
Chain = tuple[str, ...]


class TooManyReferences(InvalidInput):
    def __init__(self) -> None:
        super().__init__(
            Argument.SECRET,
            f"A project must have at most {MAX_FOLLOWED:,} references between its secrets for this "
            "query.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One secret, reduced to what resolving needs."""

    id: str
    key: str
    name: Name = field(repr=False)
    holder_id: str
    # The nearest one wins.
    rank: int
    # The secret whose value an alias has; None for others.
    target_id: str | None = None
    # The mount path; None for a secret that is not a file.
    path: str | None = None
    names: frozenset[Name] = field(default=frozenset(), repr=False)
    # Identifies its text; an edit changes it.
    text: Hashable = None

    def with_new_text(self) -> "Node":
        """Return the node with a new text without references."""
        return replace(self, names=frozenset(), text=object())

    def with_circular_text(self, names: Iterable[Name]) -> "Node":
        """Return the node with a new text that refers to `names`, which lead back to the node."""
        return replace(self, names=frozenset(names), text=object())


def node_of(secret: Secret, name: Name, names: frozenset[Name]) -> Node:
    """Return the node of a secret; references in a file count only if the file is expanded."""
    is_plain = secret.mount_path_of_file is not None and not secret.is_expanded
    return Node(
        id=secret.id,
        key=secret.key,
        name=name,
        holder_id=secret.holder.id,
        rank=secret.nearness,
        target_id=secret.target.id if secret.is_alias and secret.target else None,
        path=secret.mount_path_of_file,
        names=frozenset() if is_plain else names,
    )


@dataclass
class Graph:
    """Immutable: the secrets of a project and the references between them."""

    nodes: Mapping[str, Node]
    # Maps equal contents to equal numbers; the compared graphs share it.
    numbers: dict[Hashable, int] = field(default_factory=dict)

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> "Graph":
        return cls({node.id: node for node in nodes})

    def without(self, ids: Iterable[str]) -> "Graph":
        gone = set(ids)
        left = {key: node for key, node in self.nodes.items() if key not in gone}
        return Graph(left, self.numbers)

    def with_nodes(self, *nodes: Node) -> "Graph":
        return Graph({**self.nodes, **{node.id: node for node in nodes}}, self.numbers)

    def view(self, chain: Chain) -> "View":
        """Return what a service, or a holder above one, sees."""
        relevant = tuple(holder_id for holder_id in chain if holder_id in self._by_holder)
        if relevant not in self._views:
            self._views[relevant] = self._make_view(relevant)
        return self._views[relevant]

    def changed_names(self, after: "Graph", chain: Chain) -> frozenset[Name]:
        """Return the names whose content for a service differs in another graph."""
        before, now = self.view(chain).contents, after.view(chain).contents
        names = before.keys() | now.keys()
        return frozenset(name for name in names if before.get(name) != now.get(name))

    @cached_property
    def _by_holder(self) -> Mapping[str, Sequence[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            found.setdefault(node.holder_id, []).append(node)
        return found

    @cached_property
    def _views(self) -> dict[Chain, "View"]:
        return {}

    def _make_view(self, chain: Chain) -> "View":
        winners: dict[Name, Node] = {}
        for holder_id in chain:
            for node in self._by_holder[holder_id]:
                best = winners.get(node.name)
                if best is None or (-node.rank, node.id) < (-best.rank, best.id):
                    winners[node.name] = node
        sources: dict[Name, Node] = {}
        for name, winner in winners.items():
            source = winner if winner.target_id is None else self.nodes.get(winner.target_id)
            # The target of an alias is delivered only if it is in the service's own chain.
            if source is not None and source.holder_id in chain:
                sources[name] = source
        return View(winners, sources, _contents(sources, self.numbers))


@dataclass(frozen=True, slots=True)
class View:
    """What one chain of holders sees under each name."""

    winners: Mapping[Name, Node] = field(repr=False)
    sources: Mapping[Name, Node] = field(repr=False)
    contents: Mapping[Name, int] = field(repr=False)


def graphs_before(
    now: Graph, change: SecretChange, hashes: Mapping[str, Name], chain: Chain
) -> Sequence[Graph]:
    """Return the possible graphs before a change.

    There are several if the former value of the secret is gone, since that value may have led into
    a cycle. If the secret is not in a cycle now either, all of them give the same result.
    """
    there = now.nodes.get(change.secret_id)
    if change.kind is ChangeKind.CREATED:
        return [now.without([change.secret_id])]
    former = change.former_key or change.key
    # Only a secret and its overrides share a key in a chain. They are renamed together. If one is a
    # file, all are files at the same path.
    named = (node for node in now.nodes.values() if node.name == hashes[change.key])
    family = [node for node in named if node.holder_id in chain]
    back = now.with_nodes(*(replace(item, key=former, name=hashes[former]) for item in family))
    path = family[0].path if family else None
    before = replace(there or _deleted_node(change, chain, path), key=former, name=hashes[former])
    if there and not change.is_new_value:
        return [back]
    return [
        back.with_nodes(item)
        for item in (before.with_new_text(), before.with_circular_text(hashes.values()))
    ]


def _deleted_node(change: SecretChange, chain: Chain, path: str | None) -> Node:
    depth = len(chain) - chain.index(change.holder_id)
    rank = depth * len(SecretType)
    return Node(
        id=change.secret_id, key="", name=b"", holder_id=change.holder_id, rank=rank, path=path
    )


def _contents(sources: Mapping[Name, Node], numbers: dict[Hashable, int]) -> Mapping[Name, int]:
    """Return a number for the delivered text of each name; equal numbers mean equal texts."""

    def number(content: Hashable) -> int:
        return numbers.setdefault(content, len(numbers))

    def resolve(source: Node) -> int:
        references = frozenset((name, settled[name]) for name in source.names if name in settled)
        return number((source.id, source.path, source.text, references))

    # A reference to a file gives its path, independent of its content.
    settled = {
        name: number(source.path) for name, source in sources.items() if source.path is not None
    }
    values = {name: source for name, source in sources.items() if source.path is None}
    references = {name: source.names & values.keys() for name, source in values.items()}
    for name in topological_order(references):
        settled[name] = resolve(values[name])
    return {
        name: settled[name] if name in settled and source.path is None else resolve(source)
        for name, source in sources.items()
    }
