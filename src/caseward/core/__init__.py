"""The core decides and touches nothing: standard library only, no I/O, no clock."""
