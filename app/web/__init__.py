"""Pages: parse the request, call one use case, present. No rules."""
