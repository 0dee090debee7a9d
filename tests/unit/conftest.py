"""How properties are searched: the same examples each time, so that a failure can be run again."""

from hypothesis import settings

settings.register_profile(
    "repeatable", parent=settings.get_profile("patient"), derandomize=True, database=None
)
settings.load_profile("repeatable")
