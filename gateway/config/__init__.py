"""Settings, key providers, production checks and logging."""
