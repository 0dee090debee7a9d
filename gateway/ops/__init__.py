"""The doctor, backups, and hardening of the process."""
