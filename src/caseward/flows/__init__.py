"""The stories: what happens, in order. A story never waits for a person and never touches the outside."""
