"""One file a change of the tables, applied in order by `ridgeway.studio.storage.migrate`."""
