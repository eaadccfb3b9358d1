"""Outside systems, one folder per kind."""
