"""Claim rules: a role for every identity whose token has the claims that the rule names."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from gateway.domain.claim_patterns import BOOLEANS, SEPARATORS, WILDCARD, Claims, TokenClaims
from gateway.domain.content import utf8_length
from gateway.domain.errors import Argument, Conflict, InvalidInput, NotFound
from gateway.domain.grants import RoleAssignment
from gateway.domain.tokens import Creator

MAX_CLAIM_RULES: Final = 500
MAX_CONDITIONS: Final = 10
MAX_CONDITION_LENGTH: Final = 255
# Of all rules of an organization for one issuer: a sign-in compares a token with all of them.
MAX_CONDITIONS_OF_ISSUER: Final = 1_000
# Those in different conditions: one in several rules is compared once.
MAX_WILDCARDS_OF_ISSUER: Final = 100

# Every token of an issuer has these, so they distinguish nobody.
_OF_EVERY_TOKEN: Final = frozenset({"aud", "exp", "iat", "iss", "jti", "nbf"})
# These say how somebody signed in, and with which client, not who it is: everybody at the issuer
# gets a token with the same ones. They can narrow a rule, but not be all that it requires.
_OF_EVERY_SIGN_IN: Final = frozenset(
    {"acr", "amr", "auth_time", "azp", "client_id", "email_verified", "idp", "scope", "scp"}
    | {"tid", "token_use", "typ", "ver"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A subject that an issuer confirms, with the claims of the present token."""

    issuer: str
    subject: str
    claims: Claims = field(repr=False)

    @property
    def name(self) -> str:
        """The issuer and the subject, as the audit log names them; an issuer has no space."""
        return f"{self.issuer} {self.subject}"


@dataclass(frozen=True, slots=True, order=True)
class ClaimCondition:
    """What a claim must be: a text in which `*` is any part between two of `/`, `:` and `@`."""

    claim: str
    pattern: str

    def is_met(self, claims: TokenClaims) -> bool:
        if self.claim == "email" and not claims.verifies_email:
            return False
        return claims.has(self.claim, self.pattern)

    @property
    def distinguishes(self) -> bool:
        """Whether it requires some text that not every token has."""
        required = SEPARATORS.sub("", self.pattern).replace(WILDCARD, "")
        is_of_somebody = self.claim not in _OF_EVERY_SIGN_IN
        return bool(required) and is_of_somebody and self.pattern not in BOOLEANS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRule:
    """A role for identities of an issuer, while the rule exists and has not ended."""

    id: str
    organization_id: str
    name: str
    issuer: str
    # All must be met. In a fixed order, so that equal rules have equal conditions.
    conditions: tuple[ClaimCondition, ...]
    held: RoleAssignment
    created_at: datetime
    expires_at: datetime | None = None
    created_by: Creator


def applies(
    conditions: Iterable[ClaimCondition],
    expires_at: datetime | None,
    claims: TokenClaims,
    at: datetime,
) -> bool:
    """Return whether a rule with these conditions and this end applies to a token now."""
    is_over = expires_at is not None and at >= expires_at
    return not is_over and all(condition.is_met(claims) for condition in conditions)


_EXACT: Final = re.compile(r"[^*]+")
_PATH_OF_OWNER: Final = re.compile(r"[^*/:]+/.+")
_NAMESPACE: Final = re.compile(r"[^*/]+(/.+)?")
# The owner of a repository chooses what a subject consists of, but not the owner in it.
_GITHUB_SUBJECT: Final = re.compile(
    r"repo(sitory)?:[^*/:]+/.+|repository_(id|owner|owner_id):[^*:]+(:.+)?"
)
_GITLAB_SUBJECT: Final = re.compile(r"project_path:[^*/:]+/.+")
# Issuers whose tokens everybody can get. For each, the claims that belong to one of its customers,
# and the patterns that name that customer in full.
PUBLIC_ISSUERS: Final[Mapping[str, Mapping[str, re.Pattern[str]]]] = MappingProxyType(
    {
        "https://token.actions.githubusercontent.com": {
            "repository_owner_id": _EXACT,
            "repository_id": _EXACT,
            "repository_owner": _EXACT,
            "repository": _PATH_OF_OWNER,
            "sub": _GITHUB_SUBJECT,
        },
        "https://gitlab.com": {
            "namespace_id": _EXACT,
            "project_id": _EXACT,
            "namespace_path": _NAMESPACE,
            "project_path": _PATH_OF_OWNER,
            "sub": _GITLAB_SUBJECT,
        },
        "https://accounts.google.com": {"hd": _EXACT, "sub": _EXACT, "email": _EXACT},
    }
)


def ensure_conditions(issuer: str, conditions: Sequence[ClaimCondition]) -> None:
    """Refuse conditions that everybody can meet, and those that no reader could be sure about.

    Raises:
        InvalidInput: naming the rule.

    """
    if not 0 < len(conditions) <= MAX_CONDITIONS:
        _refuse(f"A claim rule must have 1 to {MAX_CONDITIONS} conditions.")
    if len(set(conditions)) < len(conditions):
        _refuse("A claim rule must not have the same condition twice.")
    for condition in conditions:
        _ensure_condition(condition)
    if not any(condition.distinguishes for condition in conditions):
        _refuse(
            "A condition must require some text of a claim that distinguishes who it is, or "
            "everybody at the issuer would meet it."
        )
    _ensure_customer_is_named(issuer, conditions)


def _ensure_condition(condition: ClaimCondition) -> None:
    for text in (condition.claim, condition.pattern):
        length = utf8_length(text, Argument.CONDITIONS)
        if not 0 < length <= MAX_CONDITION_LENGTH or not text.isprintable():
            _refuse(
                f"A claim and a pattern must have 1 to {MAX_CONDITION_LENGTH} bytes and no control "
                "characters."
            )
        if not unicodedata.is_normalized("NFC", text):
            _refuse("A claim and a pattern must be in Unicode's normal form C.")
    if condition.claim in _OF_EVERY_TOKEN:
        _refuse(f"The claims {', '.join(sorted(_OF_EVERY_TOKEN))} must not have conditions.")
    segments = SEPARATORS.split(condition.pattern)
    if any(segment.count(WILDCARD) > 1 for segment in segments):
        _refuse("A pattern must have at most one * between two of the characters / : @.")


def _ensure_customer_is_named(issuer: str, conditions: Iterable[ClaimCondition]) -> None:
    # No issuer writes itself in another way, but a reader takes it for the same one.
    known = issuer.strip().lower()
    for public, owned in PUBLIC_ISSUERS.items():
        if known != public and not known.startswith(f"{public}/"):
            continue
        if not any(_names_customer(owned, condition) for condition in conditions):
            _refuse(
                "Everybody can get tokens of this issuer. A condition must name whose they are, "
                f"without * in the owner's part: {', '.join(owned)}."
            )


def _names_customer(owned: Mapping[str, re.Pattern[str]], condition: ClaimCondition) -> bool:
    form = owned.get(condition.claim)
    # No owner there has other characters, but some look like those that one has.
    return condition.pattern.isascii() and bool(form and form.fullmatch(condition.pattern))


def ensure_room(there: Iterable[ClaimCondition], new: Iterable[ClaimCondition]) -> None:
    """Refuse more conditions than a sign-in can be compared with.

    Raises:
        TooManyConditions: if these and those of the organization's rules for the issuer are more.

    """
    every = [*there, *new]
    wildcards = sum(condition.pattern.count(WILDCARD) for condition in set(every))
    if len(every) > MAX_CONDITIONS_OF_ISSUER or wildcards > MAX_WILDCARDS_OF_ISSUER:
        raise TooManyConditions


def _refuse(message: str) -> None:
    raise InvalidInput(Argument.CONDITIONS, message)


class ClaimRuleNotFound(NotFound):
    def __init__(self, rule_id: str) -> None:
        super().__init__("claim rule", rule_id, Argument.CLAIM_RULE)


class ClaimRuleConflict(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "A claim rule with these conditions already gives this role there.", Argument.CONDITIONS
        )


class TooManyClaimRules(Conflict):
    """The organization has the maximum of rules. Sign-ins read those of the issuer."""

    def __init__(self) -> None:
        super().__init__(f"An organization must have at most {MAX_CLAIM_RULES} claim rules.")


class TooManyConditions(Conflict):
    """The rules for the issuer have the maximum of conditions. A sign-in is compared with all."""

    def __init__(self) -> None:
        super().__init__(
            f"The claim rules for an issuer must have at most {MAX_CONDITIONS_OF_ISSUER} "
            f"conditions with {MAX_WILDCARDS_OF_ISSUER} different * in them. Delete rules, or "
            "replace several by one.",
            Argument.CONDITIONS,
        )
