"""What is particular to one database engine."""
