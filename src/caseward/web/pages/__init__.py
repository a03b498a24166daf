"""The console, one module a page. A module with a `router` is served; one with a `NAV` is in the menu."""
