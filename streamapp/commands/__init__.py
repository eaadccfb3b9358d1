"""Commands of the command line, one in each module; they parse, ask, and show."""
