"""Assembles, packs, loads and pushes OCI images; standard library only."""
