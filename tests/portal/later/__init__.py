"""Migrations of a version that is yet to come, for the test of an upgrade."""
