"""Appending and reading what happened; nothing updates or deletes an event."""
