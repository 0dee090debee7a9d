"""Authentication: a credential becomes a principal here, or the request ends here."""
