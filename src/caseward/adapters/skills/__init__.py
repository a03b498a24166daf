"""One module a skill; the settings' allowlist is the only way in."""
