"""Moves instances: lock, load, advance, apply. Timers, messages, outbox, incidents."""
