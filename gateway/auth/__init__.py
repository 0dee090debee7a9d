"""Who is asking: credentials become principals here, or the request ends here."""
