"""What the program knows of a command before it imports it, and the commands of a client."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command: its functions, as `module:function` in `gateway.cli`, and its help.

    `function` works on the database of this host, `remote` over the API of a gateway.
    """

    function: str | None
    summary: str
    # Only the command's own help shows the details.
    details: str = ""
    # Options behind its own arguments belong to the command that it starts.
    has_child: bool = False
    # Where this is a former name, which works for one more release and is not listed.
    name_now: str | None = None
    remote: str | None = None


CLIENT_COMMANDS: Final[Mapping[str, CommandRow]] = {
    "login": CommandRow(
        None,
        "Keep a token for a gateway, in the keyring of the system or in a private file.",
        "The token comes from a prompt, from standard input or, with --issuer, from an OpenID "
        "Connect issuer by the device flow; it is tried first.",
        remote="client.signing_in:login",
    ),
    "logout": CommandRow(
        None, "Forget the token for a gateway.", remote="client.signing_in:logout"
    ),
    "whoami": CommandRow(
        None,
        "Say which gateway commands work with, where the token is from, and what it can see.",
        remote="client.signing_in:whoami",
    ),
    "watch": CommandRow(
        None,
        "Print the keys for which a service gets something else, as they change.",
        remote="client.watching:watch",
    ),
    "impact": CommandRow(
        None,
        "List the services and secrets that the deletion or another value of a secret reaches.",
        remote="client.explaining:impact",
    ),
    "diff": CommandRow(
        None,
        "Compare what two services get, without showing values.",
        "The gateway compares by keyed hashes; the audit log records a delivery of each.",
        remote="client.comparing:compare",
    ),
    "secret list": CommandRow(
        None,
        "List the secrets of a holder and those that it inherits, without values.",
        "With --unused-since, those of the holder and of all below it that no service got since "
        "then; the token must be allowed to read the audit log there.",
        remote="client.secrets:list_secrets",
    ),
    "secret get": CommandRow(
        None,
        "Print what a service gets under one key; the audit log records it.",
        remote="client.deliveries:get_secret",
    ),
    "secret search": CommandRow(
        None,
        "List where keys are defined, in all projects that the token sees.",
        remote="client.searching:search_secrets",
    ),
    "secret copy": CommandRow(
        None,
        "Copy what a service gets under a key to another holder.",
        "The value passes through this machine, so the token must be allowed to read it. "
        "References are resolved, and the copy does not follow the original.",
        remote="client.searching:copy_secret",
    ),
    "secret set": CommandRow(
        None,
        "Give a secret a value, creating it if the holder has none under the key.",
        "The value comes from a file, from standard input or from a prompt.",
        remote="client.secrets:set_secret",
    ),
    "secret alias": CommandRow(
        None, "Give a secret another key.", remote="client.secrets:set_alias"
    ),
    "secret override": CommandRow(
        None,
        "Give an inherited secret another value on a holder and below it.",
        "The value comes from a file, from standard input or from a prompt.",
        remote="client.secrets:override_secret",
    ),
    "secret rename": CommandRow(
        None, "Give a secret a new key, in place of its own.", remote="client.secrets:rename_secret"
    ),
    "secret delete": CommandRow(
        None, "Delete a secret of a holder.", remote="client.secrets:delete_secret"
    ),
    "secret history": CommandRow(
        None,
        "List what a secret is and was, without values; a deleted one, too.",
        remote="client.history:show_history",
    ),
    "secret rollback": CommandRow(
        None,
        "Give a secret the key, the value and the description of a former version.",
        remote="client.history:roll_back",
    ),
    "secret deleted": CommandRow(
        None, "List the deleted secrets of a holder.", remote="client.history:list_deleted"
    ),
    "secret restore": CommandRow(
        None,
        "Bring back a deleted secret, with the aliases and overrides that went with it.",
        remote="client.history:restore_secret",
    ),
    "secret purge": CommandRow(
        None,
        "Destroy the values of all former versions of a secret, deleted or not.",
        remote="client.history:purge_versions",
    ),
    "project list": CommandRow(None, "List the projects.", remote="client.holders:list_projects"),
    "environment list": CommandRow(
        None,
        "List the environments of a project.",
        remote="client.holders:list_environments",
    ),
    "service list": CommandRow(
        None, "List the services of an environment.", remote="client.holders:list_services"
    ),
    "token rotate": CommandRow(
        None,
        "Create a token with the name, the roles and the lifetime of another one, and print it.",
        "The other one stays valid until `token revoke`, or with --overlap for that time, so that "
        "both work for a while. A token cannot rotate itself: what it creates ends with it.",
        remote="client.rotation:rotate_token",
    ),
    "user list": CommandRow(None, "List the users.", remote="client.access:list_users"),
    "audit show": CommandRow(
        None,
        "Print the newest entries of the audit log: who did what, and when.",
        remote="client.audit:show",
    ),
}
