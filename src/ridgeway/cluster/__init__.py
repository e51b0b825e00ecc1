"""Many machines: chunks of lanes as tasks of a Ray cluster."""
