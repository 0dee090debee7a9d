"""The file that describes an organization's hierarchy."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from yaml.nodes import Node

from gateway.cli import yaml_nodes
from gateway.cli.refusals import Misread
from gateway.domain.content import ensure_name
from gateway.domain.errors import InvalidInput
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.domain.topology import HolderPath, Topology

_KINDS: Final[Mapping[str, Scope]] = {kind.lower(): kind for kind in SERVICE_SCOPES}

Below = Callable[[Node, HolderPath], Iterator[HolderPath]]


def read_topology(text: str) -> Topology:
    """Return what the file says.

    Raises:
        Misread: naming the line and the rule.

    """
    root = _fields(yaml_nodes.composed(text), "organization", "projects")
    if "organization" not in root:
        rule = "the file names no `organization`."
        raise Misread(rule)
    return Topology(
        organization=_name(root["organization"]),
        paths=tuple(_holders(Scope.PROJECT, root.get("projects"), (), _project)),
    )


def _project(node: Node, position: HolderPath) -> Iterator[HolderPath]:
    environments = _fields(node, "environments").get("environments")
    return _holders(Scope.ENVIRONMENT, environments, position, _environment)


def _environment(node: Node, position: HolderPath) -> Iterator[HolderPath]:
    rule = f"services stand below their kind: {', '.join(_KINDS)}."
    for key, names in yaml_nodes.entries(_fields(node, "services").get("services"), rule=rule):
        if key.value not in _KINDS:
            raise Misread(rule, position=yaml_nodes.line(key))
        yield from _services(_KINDS[key.value], names, position)


def _services(kind: Scope, node: Node, position: HolderPath) -> Iterator[HolderPath]:
    seen: set[str] = set()
    for item in yaml_nodes.items(node, rule="services of a kind are a list of names."):
        name = _name(item)
        if name in seen:
            rule = "this name stands here for the second time."
            raise Misread(rule, position=yaml_nodes.line(item))
        seen.add(name)
        yield (*position, (kind, name))


def _holders(
    kind: Scope, node: Node | None, position: HolderPath, below: Below
) -> Iterator[HolderPath]:
    rule = f"`{kind.lower()}s` must be a mapping of names."
    for key, under in yaml_nodes.entries(node, rule=rule):
        own: HolderPath = (*position, (kind, _name(key)))
        yield own
        yield from below(under, own)


def _fields(node: Node | None, *known: str) -> Mapping[str, Node]:
    rule = f"here can stand only: {', '.join(known)}."
    found: dict[str, Node] = {}
    for key, under in yaml_nodes.entries(node, rule=rule):
        if key.value not in known:
            raise Misread(rule, position=yaml_nodes.line(key))
        found[key.value] = under
    return found


def _name(node: Node) -> str:
    name = yaml_nodes.text_of(node, rule="a name is a text.")
    try:
        ensure_name(name)
    except InvalidInput as invalid:
        raise Misread(invalid.message, position=yaml_nodes.line(node)) from None
    return name
