"""Which runs can go on, and where what they go on from lies."""

#: Words of a record's `status` for runs that have not come to their end.
UNFINISHED = ("running", "interrupted", "failed")
#: Where checkpoints lie in a run's directory.
FOLDER = "state"
