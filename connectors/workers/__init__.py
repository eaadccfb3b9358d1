"""The workers' web views, as the uploader sees them."""
