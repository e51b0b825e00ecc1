"""The course: the lecture as lessons, each with an experiment run by the real engine."""
