"""What a claim rule matches, and which rules nobody can make."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import pytest

from gateway.domain import claim_patterns
from gateway.domain.claim_patterns import MAX_ELEMENTS, TokenClaims
from gateway.domain.claim_rules import (
    MAX_CONDITIONS,
    MAX_CONDITIONS_OF_ISSUER,
    MAX_WILDCARDS_OF_ISSUER,
    ClaimCondition,
    TooManyConditions,
    applies,
    ensure_conditions,
    ensure_room,
)
from gateway.domain.errors import Argument, InvalidInput

GITHUB: Final = "https://token.actions.githubusercontent.com"
GITLAB: Final = "https://gitlab.com"
GOOGLE: Final = "https://accounts.google.com"
OWN: Final = "https://login.example.com"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _meets(pattern: str, claim: object) -> bool:
    return ClaimCondition("name", pattern).is_met(TokenClaims({"name": claim}))


@pytest.mark.parametrize(
    ("pattern", "claim"),
    [
        ("acme/shop", "acme/shop"),
        ("acme/*", "acme/shop"),
        ("repo:acme/*:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/main"),
        ("refs/heads/release-*", "refs/heads/release-1.2"),
        ("refs/heads/*-stable", "refs/heads/1-stable"),
        ("*@example.com", "ada@example.com"),
        ("*/*/*", "a/b/c"),
        ("platform", ["others", "platform"]),
        ("platform-*", ["platform-admins", 7, None]),
        ("65", 65),
        ("true", True),
        ("true", "true"),
        ("Équipe", "Équipe"),
    ],
)
def test_a_claim_meets_its_condition(pattern: str, claim: object) -> None:
    assert _meets(pattern, claim)


@pytest.mark.parametrize(
    ("pattern", "claim"),
    [
        ("acme/shop", "acme/shop2"),
        ("acme/shop", "Acme/shop"),
        ("acme/shop", "acme/shop "),
        ("acme/shop", "\u0430cme/shop"),
        ("acme/*", "acme/"),
        ("acme/*", "acme/shop/admin"),
        ("acme/*", "acme-evil/shop"),
        ("acme/*", "evil/acme/shop"),
        ("repo:acme/shop:ref:*", "repo:acme/shop:ref:refs/heads/main"),
        ("repo:acme/shop:*", "repo:acme/shop:environment:production"),
        ("refs/heads/release-*", "refs/heads/release-1/../main"),
        ("*@example.com", "ada@example.com@evil.test"),
        ("*@example.com", "@example.com"),
        ("acme?shop", "acme/shop"),
        ("[a]cme", "acme"),
        (".*", "acme"),
        ("platform", []),
        ("platform", [["platform"]]),
        ("platform", {"platform": True}),
        ("platform", {"name": "platform"}),
        ("platform", "other,platform"),
        ("1", True),
        ("1", 1.0),
        ("1.0", 1.0),
        ("None", None),
        ("null", None),
        ("True", True),
        ("Équipe", "E\u0301quipe"),
    ],
)
def test_a_claim_does_not_meet_a_condition(pattern: str, claim: object) -> None:
    """Another owner, another case, another type, or more than one part for a wildcard."""
    assert not _meets(pattern, claim)


def test_a_missing_claim_meets_no_condition() -> None:
    assert not ClaimCondition("name", "*").is_met(TokenClaims({}))


@pytest.mark.parametrize("verified", [True, "true"])
def test_an_address_counts_once_it_is_verified(verified: object) -> None:
    claims = TokenClaims({"email": "ada@example.com", "email_verified": verified})

    assert ClaimCondition("email", "*@example.com").is_met(claims)


@pytest.mark.parametrize("unverified", [False, "false", 1, None, [True], "TRUE"])
def test_an_address_that_is_not_verified_meets_no_condition(unverified: object) -> None:
    wanted = ClaimCondition("email", "ada@example.com")
    claims = {"email": "ada@example.com", "email_verified": unverified}

    assert not wanted.is_met(TokenClaims(claims))
    assert not wanted.is_met(TokenClaims({"email": "ada@example.com"}))


def test_a_rule_applies_if_all_conditions_are_met_and_it_has_not_ended() -> None:
    both = (ClaimCondition("groups", "a"), ClaimCondition("groups", "b"))
    end = NOW + timedelta(days=1)

    claims = TokenClaims({"groups": ["a", "b"]})

    assert applies(both, end, claims, NOW)
    assert not applies(both, end, TokenClaims({"groups": ["a"]}), NOW)
    assert not applies(both, end, claims, end)
    assert applies(both, None, claims, end)


@pytest.mark.parametrize("control", ["\n", "\x00", "\u200b", "\u202e"])
def test_a_wildcard_hides_no_control_character(control: str) -> None:
    """The control is the same text without it."""
    assert not _meets("acme/*", f"acme/sh{control}op")
    assert _meets("acme/*", "acme/shop")


def test_wildcards_mean_the_same_as_in_a_regular_expression() -> None:
    """Compared with Python's own, for many short patterns and texts."""
    rnd, seen = Random(5), set[bool]()  # noqa: S311 - the same ones each time
    for _ in range(20_000):
        pattern = "".join(rnd.choices("ab*/:", k=rnd.randint(1, 8)))
        text = "".join(rnd.choices("ab/:", k=rnd.randint(0, 8)))
        if any(part.count("*") > 1 for part in re.split("[/:@]", pattern)):
            assert not _meets(pattern, text)
            continue
        expression = re.escape(pattern).replace(r"\*", "[^/:@]+")
        expected = re.fullmatch(expression, text) is not None
        seen.add(expected)
        assert _meets(pattern, text) is expected, (pattern, text)
    assert seen == {True, False}


def test_a_list_that_is_too_long_matches_nothing_and_is_named() -> None:
    """The control is a list of the maximum."""
    most = [f"group {number}" for number in range(MAX_ELEMENTS)]
    longest, longer = TokenClaims({"groups": most}), TokenClaims({"groups": [*most, "one more"]})

    met = [ClaimCondition("groups", "group 0").is_met(claims) for claims in (longest, longer)]
    met += [ClaimCondition("groups", "group *").is_met(claims) for claims in (longest, longer)]

    assert met == [True, False] * 2
    assert (longest.left_out, longer.left_out) == (set(), {"groups"})


def _compared(monkeypatch: pytest.MonkeyPatch, rules: Sequence[Sequence[ClaimCondition]]) -> int:
    """Return how often a pattern is compared with a text, for a token that meets no rule."""
    compare, count = claim_patterns._matches, 0  # noqa: SLF001 - what is counted

    def counted(wanted: Any, text: str) -> bool:
        nonlocal count
        count += 1
        return compare(wanted, text)

    monkeypatch.setattr(claim_patterns, "_matches", counted)
    claims = TokenClaims({"groups": [f"team-{number}/x" for number in range(MAX_ELEMENTS)]})
    assert not any(applies(conditions, None, claims, NOW) for conditions in rules)
    return count


def test_what_a_sign_in_compares_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of the maximum is compared once with each different pattern that has a wildcard."""
    wildcards = [
        (ClaimCondition("groups", f"team-*/y{number}"),)
        for number in range(MAX_WILDCARDS_OF_ISSUER)
    ]
    exact = [(ClaimCondition("groups", f"z{n}"),) for n in range(MAX_CONDITIONS_OF_ISSUER)]

    assert _compared(monkeypatch, wildcards) == MAX_WILDCARDS_OF_ISSUER * MAX_ELEMENTS
    assert _compared(monkeypatch, [*wildcards, *wildcards, *exact]) == 25_600
    assert _compared(monkeypatch, exact) == 0


def test_the_conditions_for_an_issuer_are_bounded() -> None:
    """With the maximum there is no room for one more, except for one that is compared already."""
    exact = [ClaimCondition("groups", str(n)) for n in range(MAX_CONDITIONS_OF_ISSUER - 1)]
    wild = [ClaimCondition("groups", f"{n}-*/*") for n in range(MAX_WILDCARDS_OF_ISSUER // 2)]

    ensure_room(exact, [ClaimCondition("groups", "last")])
    ensure_room(wild, [wild[0], ClaimCondition("groups", "exact")])
    with pytest.raises(TooManyConditions):
        ensure_room(exact, [ClaimCondition("a", "1"), ClaimCondition("b", "2")])
    with pytest.raises(TooManyConditions):
        ensure_room(wild, [ClaimCondition("groups", "more-*")])


def _refuse(issuer: str, *conditions: tuple[str, str]) -> str:
    with pytest.raises(InvalidInput) as refused:
        ensure_conditions(issuer, [ClaimCondition(*pair) for pair in conditions])
    assert refused.value.argument is Argument.CONDITIONS
    return refused.value.message


UNCLEAR: Final[Sequence[Sequence[tuple[str, str]]]] = (
    [],
    [("sub", "*")],
    [("sub", "*:*/*:*")],
    [("email_verified", "true")],
    [("email_verified", "1")],
    [("typ", "Bearer"), ("scope", "openid")],
    [("azp", "frontend")],
    [("token_use", "access")],
    [("groups", "a"), ("groups", "a")],
    [("groups", f"group {number}") for number in range(MAX_CONDITIONS + 1)],
    [("aud", "https://secrets.example.com")],
    [("iss", OWN)],
    [("exp", "1")],
    [("", "a")],
    [("groups", "")],
    [("groups", "a\n")],
    [("groups", "a\u200b")],
    [("groups", "x" * 256)],
    [("groups", "é" * 128)],
    [("groups", "\ud800")],
    [("groups", "e\u0301")],
    [("groups", "a**")],
    [("groups", "a*b*c")],
)


def test_conditions_that_distinguish_nobody_or_can_be_misread_are_refused() -> None:
    messages = [_refuse(OWN, *conditions) for conditions in UNCLEAR]

    assert [message for message in messages if not message.endswith(".") or OWN in message] == []


NAMED: Final[list[tuple[str, list[tuple[str, str]]]]] = [
    (GITHUB, [("repository_owner_id", "65")]),
    (GITHUB, [("repository_owner", "acme")]),
    (GITHUB, [("repository_id", "74")]),
    (GITHUB, [("repository", "acme/*")]),
    (GITHUB, [("sub", "repo:acme/*:ref:refs/heads/main")]),
    (GITHUB, [("sub", "repository_owner_id:65:environment:production")]),
    (GITHUB, [("repository_owner_id", "65"), ("repository", "*/shop")]),
    (f"{GITHUB}/acme", [("repository_owner_id", "65")]),
    (GITLAB, [("namespace_id", "72")]),
    (GITLAB, [("namespace_path", "acme")]),
    (GITLAB, [("namespace_path", "acme/*")]),
    (GITLAB, [("project_path", "acme/shop")]),
    (GITLAB, [("sub", "project_path:acme/*:ref_type:branch:ref:main")]),
    (GOOGLE, [("hd", "example.com")]),
    (GOOGLE, [("email", "ada@example.com")]),
    (OWN, [("groups", "platform-*")]),
    (OWN, [("groups", "platform"), ("azp", "frontend"), ("email_verified", "true")]),
    ("https://gitlab.com.example", [("ref", "main")]),
]


def test_a_rule_that_names_whom_it_means_is_allowed() -> None:
    """The control of the test below."""
    for issuer, conditions in NAMED:
        ensure_conditions(issuer, [ClaimCondition(*pair) for pair in conditions])


NAMELESS: Final[list[tuple[str, list[tuple[str, str]]]]] = [
    (GITHUB, [("ref", "refs/heads/main")]),
    (GITHUB, [("environment", "production"), ("event_name", "push")]),
    (GITHUB, [("repository", "*/shop")]),
    (GITHUB, [("repository", "acme*/shop")]),
    (GITHUB, [("repository", "acme")]),
    (GITHUB, [("repository_owner", "acm*")]),
    (GITHUB, [("repository_owner_id", "6*")]),
    (GITHUB, [("repository_owner", "\u0430cme")]),
    (GITHUB, [("sub", "repo:*/shop:ref:refs/heads/main")]),
    (GITHUB, [("sub", "repo:acme*/shop:ref:refs/heads/main")]),
    (GITHUB, [("sub", "ref:refs/heads/main")]),
    (GITHUB, [("sub", "environment:production")]),
    (GITHUB, [("sub", "job_workflow_ref:acme/shop/.github/workflows/x.yml@refs/heads/main")]),
    (GITHUB, [("job_workflow_ref", "acme/shop/.github/workflows/x.yml@refs/heads/main")]),
    (GITHUB, [("actor", "ada")]),
    (f"{GITHUB}/", [("ref", "refs/heads/main")]),
    (f" {GITHUB}// ", [("ref", "refs/heads/main")]),
    ("https://GitLab.com", [("ref", "main")]),
    (f"{GITLAB} ", [("ref", "main")]),
    (f"{GITHUB}/acme", [("ref", "refs/heads/main")]),
    (GITLAB, [("ref_protected", "true"), ("ref", "main")]),
    (GITLAB, [("namespace_path", "*me")]),
    (GITLAB, [("namespace_path", "ac*")]),
    (GITLAB, [("project_path", "*/shop")]),
    (GITLAB, [("sub", "project_path:*/shop:ref_type:branch:ref:main")]),
    (GITLAB, [("user_login", "ada")]),
    (GITLAB, [("groups_direct", "acme")]),
    (GOOGLE, [("email", "*@example.com")]),
    (GOOGLE, [("name", "Ada")]),
]


@pytest.mark.rule("S81")
def test_a_rule_that_anybody_at_a_public_issuer_can_meet_is_refused() -> None:
    """Everybody with an account there chooses branches, names, and what workflows they call."""
    messages = [_refuse(issuer, *conditions) for issuer, conditions in NAMELESS]

    assert {message.partition(".")[0] for message in messages} == {
        "Everybody can get tokens of this issuer"
    }
