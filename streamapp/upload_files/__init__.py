"""Archives and folders of photos to an uploader: what ``streamapp upload`` is made of."""
