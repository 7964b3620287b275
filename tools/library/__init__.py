"""The library manifest: what docker-library's build system reads."""
