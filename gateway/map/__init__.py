"""The page that shows what a service sees, as a picture drawn here."""
