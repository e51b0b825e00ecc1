"""Parts of benchmarks/tables.py: the data, the methods, one fit, the ranks and their figure."""
