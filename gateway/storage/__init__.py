"""The only SQL of the project: tables, queries by table, units of work, migrations."""
