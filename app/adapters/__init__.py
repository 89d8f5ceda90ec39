"""The only code that knows RQ, Redis or Temporal."""
