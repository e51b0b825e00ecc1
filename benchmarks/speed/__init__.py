"""Ridgeway against every way a user would train a family of models today, on one machine in one run."""
