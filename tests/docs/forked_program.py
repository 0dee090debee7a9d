"""The program of the documents' shells, which hands each command over to a forked process.

The shells run this file by its path, so it imports only what every Python has.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

_STREAMS = (0, 1, 2)


def _hand_over(path: str, arguments: list[str]) -> int:
    """Have a command run with the variables, folder and streams of this process."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        request = json.dumps([arguments, dict(os.environ), str(Path.cwd())])
        socket.send_fds(peer, [request.encode() + b"\n"], _STREAMS)
        with peer.makefile() as lines:
            process_id = int(lines.readline())

            def forward(number: int, _: FrameType | None) -> None:
                os.kill(process_id, number)

            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, forward)
            return int(lines.readline())


if __name__ == "__main__":
    sys.exit(_hand_over(sys.argv[1], sys.argv[2:]))
