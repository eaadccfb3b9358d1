"""Photo files in, crop files out, on this machine alone: what ``streamapp crop`` is made of."""
