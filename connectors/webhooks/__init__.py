"""Messages to addresses that strangers may have named, signed after Standard Webhooks."""
