"""The machine behind the schema: use cases, storage, encryption, and the HTTP faces."""
