"""The plugs, found by file name and named by nobody: channels, skills, brains."""
