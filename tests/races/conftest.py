"""Fixtures of the races."""

from tests.races.fixtures import arena, deferred_arena, loose_arena, several

__all__ = ["arena", "deferred_arena", "loose_arena", "several"]
