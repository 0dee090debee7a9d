"""What only the command line refuses. Messages name positions in files, never the text there."""


class Refused(Exception):
    """A command is refused; the message is one line that says why."""


class Misread(Refused):
    """A file is not what it should be."""

    def __init__(self, rule: str, *, position: str = "") -> None:
        super().__init__(f"{position}: {rule}" if position else rule)
