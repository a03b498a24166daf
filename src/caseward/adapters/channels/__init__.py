"""One module a channel; the settings' allowlist is the only way in."""
