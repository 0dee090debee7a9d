"""Who works at the command line: what the system says of them, and the name that they give."""

import os
import pwd
from contextlib import suppress

from gateway.cli.refusals import Refused
from gateway.domain.origins import MAX_OPERATOR_LENGTH, Operator


class UnfitUserName(Refused):
    def __init__(self, source: str) -> None:
        super().__init__(
            f"{source} must have 1 to {MAX_OPERATOR_LENGTH} characters and no control characters."
        )


def current_operator(name: str | None) -> Operator:
    """Return who runs this process.

    The user is the system's own. The login is what sudo or the terminal says, which root can
    change; the name is what the operator says.

    Raises:
        UnfitUserName: for a name with control characters.

    """
    uid = os.getuid()
    login = _login()
    user = _user_of(uid)
    return Operator(user=user, uid=uid, login=None if login == user else login, name=name)


def _user_of(uid: int) -> str:
    # A container's user may have no name.
    with suppress(KeyError):
        return _fit(pwd.getpwuid(uid).pw_name, "The name of the user")
    return str(uid)


def _login() -> str | None:
    if by_sudo := os.environ.get("SUDO_USER"):
        return _fit(by_sudo, "SUDO_USER")
    with suppress(OSError):
        return _fit(os.getlogin(), "The name of the login")
    return None


def _fit(text: str, source: str) -> str:
    if not Operator.is_fit(text):
        raise UnfitUserName(source)
    return text
