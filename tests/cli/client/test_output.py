"""What commands print for programs, for terminals, and for a shell that completes a word."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any, Final

import pytest

from gateway.cli.commands import COMMANDS
from gateway.cli.loading import load_function
from tests.cli.client.conftest import SERVICE, Laptop, printed

_HOLDER: Final = {"id", "kind", "name"}
_SECRET: Final = {
    *("id", "key", "variable_type", "scope", "holder", "version", "description", "mount_path"),
    *("target", "created_at", "updated_at"),
}
_VERSION: Final = {
    *("version", "key", "description", "is_new_value", "is_value_kept", "at", "by", "face"),
    "ended",
}
_DELETED: Final = {
    *("id", "key", "variable_type", "version", "is_value_kept", "deleted_at", "deleted_by"),
}
_TOKEN: Final = {
    *("id", "state", "role", "name", "created_by", "expires_at", "last_used_at"),
}
_GRANT: Final = {"id", "role", "on", "holder", "to", "name"}
_USER: Final = {"id", "name", "issuer", "subject", "created_at"}
_EVENT: Final = {
    *("id", "at", "action", "actor", "actor_id", "face", "request_id", "subject", "subject_id"),
    *("holder_id", "holder", "key", "details"),
}
_EXPLAINED: Final = {
    *("service", "key", "winner", "provenance", "value_of", "target", "losers", "references"),
    *("absence", "rule", "elsewhere"),
}
_ROW: Final = {"entry", "place", "key", "action", "id", "error"}
_WRITTEN: Final = {"": {"dry_run", "secret"}, "secret": _SECRET}
_AT: Final = f"--at {SERVICE}"
_CLAIM_RULE: Final = {"id", "name", "issuer", "conditions", "role", "on", "holder", "expires_at"}
_RULE: Final = "--issuer https://id.example.com --name all --claim groups=all --role viewer"
_PERSON: Final = "--issuer https://id.example.com --subject eve --name Eve"
# By a command that runs: the fields of its object, and of the objects (or lists of them) in it.
# A word of these in braces is an id that a command above has printed.
_FIELDS: Final[Mapping[str, Mapping[str, set[str]]]] = {
    "whoami": {"": {"url", "token_from", "kind", "name", "organization", "projects"}},
    "project create json-site": {"": _HOLDER},
    "environment create live --project json-site": {"": _HOLDER},
    "service create web --environment json-site/live --kind job": {"": _HOLDER},
    "project list": {"": {"projects"}, "projects": _HOLDER},
    "environment list --project json-site": {"": {"environments"}, "environments": _HOLDER},
    "service list --environment json-site/live": {"": {"services"}, "services": _HOLDER},
    f"secret set JSON_A {_AT}": _WRITTEN,
    f"secret alias JSON_B --of JSON_A {_AT}": _WRITTEN,
    f"secret override PAYMENT_API_KEY {_AT}": _WRITTEN,
    f"secret rename JSON_A JSON_C {_AT}": _WRITTEN,
    f"secret copy JSON_C --service {SERVICE} --to json-site": _WRITTEN,
    f"secret list {_AT}": {"": {"secrets"}, "secrets": _SECRET},
    "secret search JSON_*": {"": {"secrets"}, "secrets": {*_SECRET, "path"}},
    f"explain JSON_B --service {SERVICE}": {
        "": _EXPLAINED,
        "service": _HOLDER,
        "winner": {"id", "variable_type", "scope", "holder"},
        "target": {"id", "key", "variable_type"},
    },
    f"diff {SERVICE} shop/production/cart": {
        "": {"only_in_first", "only_in_second", "different", "same"}
    },
    f"impact JSON_C {_AT}": {
        "": {"secret", "services", "dependents"},
        "secret": {"key", "id", "variable_type", "scope", "holder"},
        "services": {*_HOLDER, "path"},
        "dependents": {"key", "id", "variable_type", "scope", "holder"},
    },
    f"secret history JSON_C {_AT}": {"": {"id", "versions"}, "versions": _VERSION},
    f"secret rollback JSON_C --to 1 {_AT}": _WRITTEN,
    f"secret delete JSON_A --with-dependents {_AT}": {"": {"dry_run", "deleted"}},
    f"secret deleted {_AT}": {"": {"deleted"}, "deleted": _DELETED},
    f"secret restore JSON_A {_AT}": {"": {"dry_run", "restored"}, "restored": _SECRET},
    f"secret purge JSON_A {_AT}": {"": {"dry_run", "id", "purged"}},
    f"secret delete JSON_A --with-dependents --dry-run {_AT}": {"": {"dry_run", "deleted"}},
    f"import - --format dotenv {_AT}": {
        "": {"holder", "dry_run", "rows", "summary"},
        "holder": _HOLDER,
        "rows": _ROW,
        "summary": {"created", "updated", "overridden", "skipped", "failed"},
    },
    "audit show --most 1": {"": {"events"}, "events": _EVENT},
    "environment rename json-site/live next": {"": _HOLDER},
    "service rename json-site/next/web front": {"": _HOLDER},
    "service delete json-site/next/front": {
        "": {"dry_run", "holders"},
        "holders": {*_HOLDER, "secrets"},
    },
    "environment delete json-site/next": {"": {"dry_run", "holders"}},
    "project rename json-site json-end": {"": _HOLDER},
    "project delete json-end --with-content": {"": {"dry_run", "holders"}},
    "token create --name json --role viewer": {"": {"id", "token"}},
    "token rotate {token create}": {"": {"id", "token"}},
    "token list": {"": {"tokens"}, "tokens": _TOKEN},
    "grant add --role editor --to token:{token create}": {"": _GRANT},
    "grant list": {"": {"grants"}, "grants": _GRANT},
    "grant remove {grant add}": {"": {"id"}},
    "token end {token create} --in 1h": {
        "": {"dry_run", "expires_at", "ended"},
        "ended": {"id", "name"},
    },
    f"claim-rule add {_RULE}": {"": _CLAIM_RULE, "conditions": {"claim", "pattern"}},
    "claim-rule list": {"": {"claim_rules"}, "claim_rules": _CLAIM_RULE},
    "claim-rule remove {claim-rule add}": {"": {"id"}},
    "token revoke {token create}": {"": {"dry_run", "revoked"}, "revoked": {"id", "name"}},
    f"user add {_PERSON}": {"": {"id", "name"}},
    "user list": {"": {"users"}, "users": _USER},
    "user remove {user add}": {"": {"dry_run", "id", "revoked"}},
}
# `test_access.py` reads what this one prints while it waits.
_WAITS: Final = {"watch"}


def _name(command: str) -> str:
    """Return the name of the command that a line runs."""
    return max((name for name in COMMANDS if f"{command} ".startswith(f"{name} ")), key=len)


def _fields(answer: dict[str, Any], path: str) -> set[str]:
    found = answer[path] if path else answer
    return set(found[0] if isinstance(found, list) else found)


def test_the_fields_of_every_object_stay(laptop: Laptop) -> None:
    ids: dict[str, str] = {}
    for command, fields in _FIELDS.items():
        name = _name(command)
        arguments = [ids.get(word, word) for word in _words(command, ids)]

        ended = laptop(*arguments, "--json", stdin="JSON_D=1\n")

        assert ended.code == 0, f"{command}: {ended.err}"
        for path, expected in fields.items():
            assert _fields(ended.answer, path) == expected, (command, path)
        ids[name] = str(ended.answer.get("id", ""))


def _words(command: str, ids: Mapping[str, str]) -> list[str]:
    for name, found in ids.items():
        command = command.replace(f"{{{name}}}", found)
    return command.split()


def test_every_command_that_prints_an_object_is_above() -> None:
    with_json = {
        name
        for name, row in COMMANDS.items()
        if row.remote and "as_json" in inspect.signature(load_function(row.remote)).parameters
    }

    assert with_json - _WAITS == {_name(command) for command in _FIELDS}


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}], ids=["colours", "NO_COLOR"])
def test_a_terminal_shows_colours(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    laptop("secret", "set", "SHOWN", "--at", SERVICE, stdin="x")
    in_pipe = laptop("secret", "search", "SHOWN")
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    at_terminal = laptop.but(variables=variables)

    found = at_terminal("secret", "search", "SHOWN")
    refused = at_terminal("secret", "get", "NOTHING", "--service", SERVICE)

    bold, red = ("", "") if variables else ("\x1b[1m", "\x1b[31m")
    assert found.out.startswith(f"{bold}KEY ")
    assert refused.err.startswith(f"{red}secrets-gateway:")
    assert in_pipe.out.startswith("KEY ")
    assert in_pipe.err == ""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("secret s", {"search", "set"}),
        ("secret set --v", {"--value-file"}),
        ("migrate --", {"--help"}),
        ("token create --role r", {"runtime"}),
    ],
)
@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"], ids=["host", "client"])
def test_a_shell_completes_commands_and_options(
    stranger: Laptop, typed: str, offered: set[str], url: str | None
) -> None:
    """Before it is known which gateway is meant, and without one."""
    words = f"secrets-gateway {typed}"
    asking = {
        "_SECRETS_GATEWAY_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }

    completed = stranger.but(url=url, variables=asking)()

    assert set(printed(completed).split()) == offered
    assert completed.err == ""
