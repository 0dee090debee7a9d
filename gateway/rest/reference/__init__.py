"""The same document as a page for people, rendered here."""
