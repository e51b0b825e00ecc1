"""One module a side: `run(workload, rows, models, epochs, seed)` trains and gives an `Outcome`."""
