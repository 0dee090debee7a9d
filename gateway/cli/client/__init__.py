"""The command line as a client: commands that work over a gateway's API, with a token."""
