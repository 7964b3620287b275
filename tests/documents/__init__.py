"""Tests of pages and other documents."""
