"""The only importer of `cryptography`: envelopes, derived keys, and where root keys come from."""
