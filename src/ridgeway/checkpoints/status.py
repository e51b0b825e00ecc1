"""Which runs can go on."""

#: Words of a record's `status` for runs that have not come to their end.
UNFINISHED = ("running", "interrupted", "failed")
