"""Telling people: one row for each person and event, and copies that let them read."""
