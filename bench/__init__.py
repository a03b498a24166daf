"""Measures how fast and how large the desk is; never gates a merge."""
