"""ZIP archives, pure over a reader."""
