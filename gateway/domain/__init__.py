"""The rules of the secrets domain: plain Python, no third-party import, no I/O."""
