"""The path of a photo, stop by stop.

==============  =============================================================================
receive         `upload`: a ZIP over HTTP into the object store, judged, `ArchiveStored`
expand          `stream.expand` over `archive`: `BatchOpened`, one `PhotoQueued` per photo
detect          `stream.detect`: runs of neighbours to child processes, outcomes to the log
crop            `crop_run` over `archive` and `vision`: what a child does with a run
retry           `stream.retry`: what may have met load waits, comes back, or is buried
tally           `stream.tally` over `progress`: the batch log folded, the table by `stream.rows`
sweep           `stream.sweep`: when a run has ended, the crops that are nobody's go
record          `stream.record`: the batch log as rows of the database
control         `stream.control`: every worker learns which runs were cancelled or replaced
observe         `stream.observation`: watchdog, circuits, `/live`, `/ready`, `/metrics`, `journal`
look            `stream.pages`: status pages of the group, on each worker
ask             `stream.views`, `stream.load_view`; `upload.{statuses,live,queue_stats}`
read            `upload.reading`: batches, photos; `upload.downloads`: crops, originals, results
==============  =============================================================================

`events`, `keys`, `topics` and `errors` are what all of them agree on; `settings` (and its parts
`upload_settings` and `vision_settings`) and `wiring` put a process together; `cli` starts it.
`commands` are the other commands, `listing` how they show rows, `configuration` what settings mean,
`doctor` what is looked at.
`embedded`, `members`, `run` are the whole service on one machine; `crop_command` and `crop_files`
crop photo files without it; `upload_command`, `upload_files` and `client` talk to an uploader
elsewhere. Outside systems are in the package ``connectors``.
"""
