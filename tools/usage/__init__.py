"""Command lines as people type them."""
