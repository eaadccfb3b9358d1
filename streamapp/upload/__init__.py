"""The uploader: HTTP in, archives into the object store, events out. Starlette lives only here."""
