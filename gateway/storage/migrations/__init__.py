"""Alembic's scripts; shipped in the wheel."""
