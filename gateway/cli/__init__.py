"""The command line: each command parses, calls one use case, prints."""

from gateway.cli.entry import main

__all__ = ["main"]
