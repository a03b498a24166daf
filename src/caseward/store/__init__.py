"""SQLAlchemy on PostgreSQL: one file an aggregate, one transaction for a change of state and its record."""
