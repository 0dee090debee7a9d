"""The HTTP layer: bodies, errors, headers and the GraphQL endpoint."""
