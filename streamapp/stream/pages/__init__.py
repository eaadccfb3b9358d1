"""Status pages of a worker: HTML for people and JSON for machines, of the whole group.

``report`` is what one worker knows of itself; ``gathering`` asks the others for theirs, in bounded
time; each page is made of all reports by the module of its name; ``views`` serves them. Nothing is
asked of Kafka, the store or the database for a page: it must be there when they are not.
"""
