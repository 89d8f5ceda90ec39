"""The meaning of a definition: pure and deterministic.

``advance(definition, state, event) -> Transition``: values in, values out. No I/O,
no clock, no randomness, no framework, no third party.
"""
