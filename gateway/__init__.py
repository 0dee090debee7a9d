"""The gateway behind the schema: use cases, storage, encryption, and the HTTP interfaces."""
