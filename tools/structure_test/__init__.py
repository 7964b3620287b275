"""Runs container-structure-test against an OCI image layout: no daemon, no root, any platform."""
