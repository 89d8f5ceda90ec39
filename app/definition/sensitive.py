"""Masking of sensitive variables, for the modules above; the rule is identity's."""

from app.identity.sensitive import MASK, hidden_names, masked

__all__ = ["MASK", "hidden_names", "masked"]
