"""From lanes to epochs: many trainings of one model, stacked and compiled together."""
