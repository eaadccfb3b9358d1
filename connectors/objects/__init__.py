"""The object store: MinIO or any S3, or a folder of files, behind `interface.ObjectStore`."""
