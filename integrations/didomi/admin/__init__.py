"""Didomi's part of the admin."""
