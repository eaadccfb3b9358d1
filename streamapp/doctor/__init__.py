"""What ``streamapp doctor`` looks at. Each check is bounded in time and leaves nothing behind."""
