"""The use cases. Only they combine storage and encryption."""
