"""Tokens of OpenID Connect issuers: what they must say, and whose keys must have signed them."""
