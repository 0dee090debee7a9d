"""Print holders, tokens, grants and explanations, from the facts that `--json` prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from gateway.cli.options import duration
from gateway.cli.printing import counted, line_of, say, say_json
from gateway.domain.grants import GranteeKind, GranteeReference
from gateway.domain.permissions import Role

Facts = Mapping[str, Any]
MAX_DAYS: Final = 3_650
_KINDS: Final = {kind.lower(): kind for kind in GranteeKind}


def grantee_reference(text: str) -> GranteeReference:
    """Read `token:ID` or `user:ID`."""
    kind, _, grantee_id = text.partition(":")
    if kind not in _KINDS or not grantee_id:
        message = f"a grantee is KIND:ID, the kind one of {', '.join(_KINDS)}."
        raise typer.BadParameter(message)
    return GranteeReference(kind=_KINDS[kind], id=grantee_id)


Grantee = Annotated[
    GranteeReference,
    typer.Option(
        "--to", parser=grantee_reference, metavar="KIND:ID", help="Who gets it, e.g. token:ID."
    ),
]
TokenName = Annotated[str, typer.Option("--name", help="What the token is for.")]
TokenRole = Annotated[Role, typer.Option("--role", help="What it may do.")]
TokenDays = Annotated[
    int | None, typer.Option("--days", min=1, max=MAX_DAYS, help="Days until it expires.")
]
TokenId = Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The token's id.")]
EndsIn = Annotated[
    timedelta,
    typer.Option(
        "--in",
        parser=duration,
        metavar="DURATION",
        help="From now, by the clock of this machine, such as 30m, 1h or 7d.",
    ),
]
UserIssuer = Annotated[
    str, typer.Option("--issuer", help="The provider, as its tokens' `iss` says.")
]
UserSubject = Annotated[
    str, typer.Option("--subject", help="The person, as its tokens' `sub` says.")
]
UserName = Annotated[str, typer.Option("--name", help="For people.")]
UserId = Annotated[str, typer.Argument(metavar="USER_ID", help="The user's id.")]
GrantedRole = Annotated[Role, typer.Option("--role", help="What may be done.")]
GrantId = Annotated[str, typer.Argument(metavar="GRANT_ID", help="The grant's id.")]


def print_new_token(token_id: str, text: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"id": token_id, "token": text})
    else:
        say(text)


def print_tokens(tokens: Sequence[Facts], *, as_json: bool) -> None:
    if as_json:
        say_json({"tokens": tokens})
        return
    for token in tokens:
        say(_token_line(token))


def _token_line(token: Facts) -> str:
    notes = [
        f"expires {_day(token['expires_at'])}" if token["expires_at"] else "does not expire",
        f"last used {_day(token['last_used_at'])}" if token["last_used_at"] else "never used",
    ]
    if token["created_by"]:
        notes.append(f"created by {line_of(token['created_by'])}")
    name = line_of(token["name"])
    return f"{token['id']}  {token['state']}  {token['role']:<8} {name}  {', '.join(notes)}"


def _day(moment: str) -> str:
    # UTC, to the minute: a use is stored once an hour.
    return moment[:16].replace("T", " ")


def print_user(user_id: str, name: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"id": user_id, "name": name})
    else:
        say(f"{user_id}  {line_of(name)}")


def print_removed_user(
    user_id: str, revoked: Iterable[Facts], *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        say_json({"dry_run": dry_run, "id": user_id, "revoked": list(revoked)})
        return
    say(f"{'would remove' if dry_run else 'removed'} {user_id}")
    print_revoked(revoked, dry_run=dry_run, as_json=False)


def print_removed_grant(grant_id: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"id": grant_id})
    else:
        say(f"removed {grant_id}")


def print_revoked(tokens: Iterable[Facts], *, dry_run: bool, as_json: bool) -> None:
    """Print which tokens are revoked, or would be."""
    if as_json:
        say_json({"dry_run": dry_run, "revoked": list(tokens)})
        return
    for token in tokens:
        done = "would revoke" if dry_run else "revoked"
        say(f"{done} {token['id']}  {line_of(token['name'])}")


def print_ended(tokens: Iterable[Facts], at: str, *, dry_run: bool, as_json: bool) -> None:
    """Print which tokens end at a time, or would."""
    if as_json:
        say_json({"dry_run": dry_run, "expires_at": at, "ended": list(tokens)})
        return
    ends = "would end" if dry_run else "ends"
    for token in tokens:
        say(f"{token['id']}  {line_of(token['name'])}  {ends} {_day(at)} UTC")


def print_grants(grants: Sequence[Facts], *, as_json: bool) -> None:
    if as_json:
        say_json({"grants": grants})
        return
    for grant in grants:
        print_grant(grant, as_json=False)


def print_grant(grant: Facts, *, as_json: bool) -> None:
    if as_json:
        say_json(grant)
        return
    kind, _, _ = grant["to"].partition(":")
    given = role_text(grant["role"], grant["holder"], everywhere=" on the organization")
    say(f"{grant['id']}  {given} for {kind} {line_of(grant['name'])}")


def role_text(role: str, holder: Facts | None, *, everywhere: str = "") -> str:
    """Return a role, and the holder that it counts on."""
    if holder is None:
        return f"{role}{everywhere}"
    return f"{role} on {holder['kind'].replace('_', ' ')} {line_of(holder['name'])}"


NewName = Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]


def print_holder(done: str, holder: Facts, *, as_json: bool) -> None:
    if as_json:
        say_json(holder)
    else:
        say(f"{done} {_title(holder)} ({holder['id']})")


def print_deleted_holders(holders: Sequence[Facts], *, dry_run: bool, as_json: bool) -> None:
    """Print which holders are deleted, or would be: the one that was named, then those below it."""
    if as_json:
        say_json({"dry_run": dry_run, "holders": holders})
        return
    first, *below = holders
    done = "would delete" if dry_run else "deleted"
    say(f"{done} {_title(first)} ({first['id']}), with {counted(first['secrets'], 'secret')}")
    for found in below:
        say(f"  and {_title(found)}, with {counted(found['secrets'], 'secret')}")


def print_explanation(facts: Facts, *, as_json: bool) -> None:
    if as_json:
        say_json(facts)
        return
    for line in _lines(facts):
        say(line)


def _lines(facts: Facts) -> Iterator[str]:
    subject = f"{_title(facts['service'])} {{}} {facts['key']}"
    if facts["winner"] is None:
        yield subject.format("does not get") + "."
    else:
        yield subject.format("gets") + f" from {_describe(facts['winner'])}."
        yield from _losers(facts)
    yield f"Rule: {facts['rule']}"
    for secret in facts["elsewhere"]:
        yield f"Elsewhere: {_describe(secret)}."


def _losers(facts: Facts) -> Iterator[str]:
    target = facts["target"]
    if target:
        yield f"The value is that of the {_type(target)} {target['key']} ({target['id']})."
    for reference in facts["references"]:
        yield _refer(reference)
    for secret in facts["losers"]:
        yield f"It hides {_describe(secret)}."


def _refer(reference: Facts) -> str:
    # A name that no visible secret has may be a part of a value, so it has no key here.
    name = f"{{{{{line_of(reference['key'])}}}}}" if reference["key"] else "a name in double braces"
    if not reference["is_resolved"]:
        return f"Its value refers to {name}, which leads to no key of the service: it stays text."
    target = reference["target"]
    return f"Its value refers to {name}" + (f" ({target['id']})." if target else ".")


def _describe(secret: Facts) -> str:
    return f"the {_type(secret)} on {_title(secret['holder'])} ({secret['id']})"


def _title(holder: Facts) -> str:
    return f"{holder['kind'].replace('_', ' ')} {line_of(holder['name'])}"


def _type(secret: Facts) -> str:
    return str(secret["variable_type"]).lower().replace("_", " ")
