"""The settings as they are told to people; all that is said of them derives from `settings`."""
