"""OCI layer compression and image validation."""
