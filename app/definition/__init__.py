"""Storing, versioning, checking and comparing definitions; compiled once per process."""
