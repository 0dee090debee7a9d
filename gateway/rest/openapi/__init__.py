"""What the REST face is, as an OpenAPI document that is made from its table."""
