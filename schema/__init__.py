"""The GraphQL schema: the contract that clients see.

No module here may use `from __future__ import annotations`: types are built from live annotations.
"""
