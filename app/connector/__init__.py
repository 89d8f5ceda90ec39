"""What a service step can call. One connector a file; the recipe is in README.md."""
