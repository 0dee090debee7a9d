"""The audit log: events, checkpoints, verification, and proofs that rows are unchanged."""
