"""Locks of an application's wheels: reading them, and choosing wheels for an image."""
