"""Human tasks: claiming, completing, verbs, forms, drafts, comments, files."""
