"""The doors: pages, hooks and the API. Nothing is decided here."""
