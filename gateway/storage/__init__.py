"""The only SQL of the project: tables, queries by noun, units of work, migrations."""
