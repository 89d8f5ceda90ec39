"""One step type a file. Adding a type is one file here, its config keys and its tests."""
