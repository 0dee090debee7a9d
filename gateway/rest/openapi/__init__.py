"""The OpenAPI document of the REST API, built from its table."""
