"""The use cases: the only place that combines storage and encryption."""
