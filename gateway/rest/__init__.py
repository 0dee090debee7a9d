"""The paths of the original REST API, each mapped onto a GraphQL document."""
