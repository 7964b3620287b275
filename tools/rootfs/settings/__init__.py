"""A layer of a user's own settings upon a root file system: certificates, users, files."""
