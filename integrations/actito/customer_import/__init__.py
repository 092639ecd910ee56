"""Customers from an export of Actito's profile table.

A look at the file counts what it would change and keeps that in parts; a job, if somebody wants it, imports them.
"""
