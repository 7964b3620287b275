"""The documentation of the public rules, out of their own files; standard library only."""
