"""The documentation of the public rules, from their own files; standard library only."""
