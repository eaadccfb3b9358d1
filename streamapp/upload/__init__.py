"""The uploader: Starlette."""
