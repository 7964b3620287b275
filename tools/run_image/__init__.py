"""Runs an image's command for people: no engine, no root, any platform."""
