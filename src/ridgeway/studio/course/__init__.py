"""The course: the lecture as lessons, each with a prediction, an experiment, code that runs, and two checks."""
