"""Tokens of OpenID Connect issuers: the claims that they need, and the keys that sign them."""
