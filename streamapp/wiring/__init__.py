"""Settings → connectors → apps: the only modules that name concretes.

One module a process kind, so that each process loads only what it uses.
"""
