"""The paths of the original REST API. Each runs a GraphQL document."""
