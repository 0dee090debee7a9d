"""The commands by name: where each is, and what a list of commands says of it.

A command's module is imported when the command is chosen, and with it all that it needs.
"""

from collections.abc import Mapping
from typing import Final

from gateway.cli.client.commands import CLIENT_COMMANDS, CommandRow

# A name of two words is a command of a group.
COMMANDS: Final[Mapping[str, CommandRow]] = {
    **CLIENT_COMMANDS,
    "migrate": CommandRow(
        "server:migrate",
        "Bring the database to this version's schema, making it first if there is none.",
        r"Values from before references were stored are read; those that contain `\{{` are listed.",
    ),
    "check": CommandRow(
        "server:check",
        "Check whether the gateway can start: the database, its settings and the key file.",
    ),
    "demo": CommandRow(
        "server:demo",
        "Make a demo to look around in, if it is not there, and print a new token for it.",
    ),
    "serve": CommandRow("serving:serve", "Serve GraphQL, the REST paths and GraphiQL."),
    "doctor": CommandRow(
        "copies:doctor",
        "Report what is well, in doubt or wrong; exit code 1 if something is wrong.",
    ),
    "backup": CommandRow(
        "copies:backup",
        "Copy the database to a file, as it is at one moment, beside a running gateway.",
    ),
    "restore": CommandRow(
        "copies:restore",
        (
            "Check a backup with the key file at hand, and make it the database of a stopped "
            "gateway."
        ),
    ),
    "export": CommandRow(
        "deliveries:export",
        "Print all that a service gets, values included. Only k8s holds the content of files.",
        remote="client.exports:export",
    ),
    "import": CommandRow(
        "imports:import_file",
        "Import the secrets of a dotenv, JSON or YAML file, in one transaction.",
        remote="client.imports:import_file",
    ),
    "explain": CommandRow(
        "explaining:explain",
        (
            "Explain what a service gets under a key, what it hides, by which rule, and what "
            "is elsewhere."
        ),
        "A key that the service does not get is explained too.",
        remote="client.explaining:explain",
    ),
    "graph": CommandRow(
        "explaining:graph",
        "Draw what a service sees: by scope, what refers to what, what wins and what is hidden.",
    ),
    "apply": CommandRow(
        "topology:apply",
        "Make an organization's projects, environments and services what a file says.",
    ),
    "run": CommandRow(
        "deliveries:run_command",
        (
            "Run a command as a service would: with its variables, and its files in a private "
            "folder."
        ),
        has_child=True,
        remote="client.deliveries:run_command",
    ),
    "token create": CommandRow(
        "access:create_token",
        "Create a token and print it. It is shown once and stored as a keyed hash.",
        remote="client.access:create_token",
    ),
    "token list": CommandRow(
        "access:list_tokens",
        "List an organization's tokens: facts about them, not the tokens.",
        remote="client.access:list_tokens",
    ),
    "token revoke": CommandRow(
        "access:revoke_token",
        "Revoke a token and those created with it; the next request with one of them is refused.",
        remote="client.access:revoke_token",
    ),
    "token end": CommandRow(
        "access:end_token",
        "Let a token end after some time, and those created with it; an end is never put off.",
        remote="client.access:end_token",
    ),
    "grant add": CommandRow(
        "access:add_grant",
        "Grant a token or a user a role on a holder; it counts from the next request on.",
        remote="client.access:add_grant",
    ),
    "grant list": CommandRow(
        "access:list_grants", "List an organization's grants.", remote="client.access:list_grants"
    ),
    "grant remove": CommandRow(
        "access:remove_grant",
        "Take a grant away; the next request is judged without it.",
        remote="client.access:remove_grant",
    ),
    "user add": CommandRow(
        "access:add_user",
        (
            "Let a person in whom an OpenID Connect provider vouches for; grants say what they "
            "may do."
        ),
        remote="client.access:add_user",
    ),
    "user remove": CommandRow(
        "access:remove_user",
        "Remove a user with all grants, and revoke the tokens that the user created.",
        remote="client.access:remove_user",
    ),
    "claim-rule add": CommandRow(
        "claim_rules:add_rule",
        "Give a role to everybody whose token has certain claims, without registering them.",
        remote="client.claim_rules:add_rule",
    ),
    "claim-rule list": CommandRow(
        "claim_rules:list_rules",
        "List an organization's claim rules.",
        remote="client.claim_rules:list_rules",
    ),
    "claim-rule remove": CommandRow(
        "claim_rules:remove_rule",
        "Remove a claim rule; the next request is judged without it.",
        remote="client.claim_rules:remove_rule",
    ),
    "organization create": CommandRow(
        "organizations:create_organization",
        "Create an organization: nothing is shared between two of them.",
    ),
    "organization list": CommandRow(
        "organizations:list_organizations",
        "List the organizations.",
    ),
    "organization show": CommandRow(
        "organizations:show_organization",
        "List an organization's projects, environments and services, with their ids.",
    ),
    "organization rename": CommandRow(
        "organizations:rename_organization",
        "Give an organization another name.",
    ),
    "organization delete": CommandRow(
        "organizations:delete_organization",
        "Delete an organization and its tokens; with --with-content also all that is in it.",
    ),
    "project create": CommandRow(
        "holders:create_project", "Create a project.", remote="client.holder_changes:create_project"
    ),
    "project rename": CommandRow(
        "holders:rename_project",
        "Give a project another name.",
        remote="client.holder_changes:rename_project",
    ),
    "project delete": CommandRow(
        "holders:delete_project",
        "Delete a project and its data key; with --with-content also all that is in it.",
        remote="client.holder_changes:delete_project",
    ),
    "environment create": CommandRow(
        "holders:create_environment",
        "Create an environment of a project.",
        remote="client.holder_changes:create_environment",
    ),
    "environment rename": CommandRow(
        "holders:rename_environment",
        "Give an environment another name.",
        remote="client.holder_changes:rename_environment",
    ),
    "environment delete": CommandRow(
        "holders:delete_environment",
        "Delete an environment; with --with-content also all that is in it.",
        remote="client.holder_changes:delete_environment",
    ),
    "service create": CommandRow(
        "holders:create_service",
        "Create a service of an environment.",
        remote="client.holder_changes:create_service",
    ),
    "service rename": CommandRow(
        "holders:rename_service",
        "Give a service another name.",
        remote="client.holder_changes:rename_service",
    ),
    "service delete": CommandRow(
        "holders:delete_service",
        "Delete a service; its secrets only if that is asked for.",
        remote="client.holder_changes:delete_service",
    ),
    "keys status": CommandRow(
        "keys:key_status",
        "Tell which keys there are, what they are used for, and which are due for rotation.",
    ),
    "keys rotate": CommandRow(
        "keys:rotate_keys",
        "Make a new key-encryption key and wrap the data keys with it; servers can go on.",
    ),
    "keys rewrap": CommandRow(
        "keys:rewrap_keys",
        "Bring everything under the newest keys; also finishes a rotation that was interrupted.",
    ),
    "keys retire": CommandRow(
        "keys:retire_keys",
        "Destroy the key-encryption keys in the key file that wrap nothing in this database.",
    ),
    "audit verify": CommandRow(
        "audit:verify",
        "Check the whole log against itself, its head and its checkpoints.",
    ),
    "audit export": CommandRow(
        "audit:export",
        "Print every entry of every organization, oldest first, one JSON object a line.",
    ),
    "audit head": CommandRow(
        "audit:head",
        "Print the newest entry's number and hash, signed, and the public key that checks it.",
    ),
    "audit prune": CommandRow(
        "audit:prune",
        "Delete the entries from before a day. The rest can still be verified.",
    ),
    "audit scan": CommandRow(
        "audit:scan_integrity",
        "Look for rows that were changed, added, deleted or rolled back past the gateway.",
    ),
    "audit scrub": CommandRow(
        "audit:scan_integrity",
        "Look for rows that were changed, added, deleted or rolled back past the gateway.",
        name_now="audit scan",
    ),
    "audit acknowledge": CommandRow(
        "audit:acknowledge",
        "Take the database as it is for the truth from here on, record that, and end the alarm.",
    ),
    "builtin register": CommandRow(
        "provided:register_built_in",
        "Register a built-in secret. Its value comes from a file or standard input.",
    ),
    "builtin rotate": CommandRow(
        "provided:rotate_built_in",
        "Give a built-in secret its next value, which comes from a file or standard input.",
    ),
}
GROUPS: Final[Mapping[str, str]] = {
    "secret": "List, print, set and delete secrets, over the API of a gateway.",
    "token": "Create, list, end and revoke API tokens.",
    "grant": "Say who may do what, and where.",
    "user": "Let people in whom an OpenID Connect provider vouches for.",
    "claim-rule": "Give roles by the claims of tokens, without registering users.",
    "organization": "Create, list, show, rename and delete organizations.",
    "project": "List, create, rename and delete projects.",
    "environment": "List, create, rename and delete environments.",
    "service": "List, create, rename and delete services.",
    "keys": "Show and rotate the keys that seal values.",
    "audit": "Show, verify, export and prune the audit log; find rows changed past the gateway.",
    "builtin": "Register and rotate the secrets that the platform provides.",
}
