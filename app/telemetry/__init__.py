"""What is said about the running system: log lines and figures. Below every other layer."""
