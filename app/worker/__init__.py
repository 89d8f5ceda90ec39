"""The background processes: draining jobs, and the duties."""
