"""The school's own systems over the built-in record book: what a calendar, a till and a register do elsewhere."""
