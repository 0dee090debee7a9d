"""What the program knows of a command before it imports it."""

from dataclasses import dataclass


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
