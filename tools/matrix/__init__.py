"""Build matrices for continuous integration."""
