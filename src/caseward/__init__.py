"""Caseward: one case file, one voice, one policy truth."""

__version__ = "0.1.0"
