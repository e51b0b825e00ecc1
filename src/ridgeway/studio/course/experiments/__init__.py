"""The lessons' experiments: each trains real lanes, once, and a slider only looks them up.

A module holds `Settings` (what a learner may change that has to be trained anew, with its limits), `VERSION` (raised
when its numbers would change) and `compute(settings, progress)`, which returns the result as plain JSON values. Modules
import neither JAX nor Keras until `compute` is called: the server reads settings, a worker process computes.
"""
