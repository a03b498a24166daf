"""Brains: they understand and find; they decide nothing."""
