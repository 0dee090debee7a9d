"""What runs in the environment of PyPI's client, and the lock which that is made from."""
