"""A client of OCI registries (distribution specification 1.1); standard library only."""
