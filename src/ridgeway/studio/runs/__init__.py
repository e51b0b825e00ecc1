"""Runs: what lies in the workspace, how it goes on, and new ones.

`places` finds them, `summary` says how each stands, `course` and `following` read what a running one reports, `process`,
`jobs`, `queue` and `command` start and stop their processes, `uploads` and `form` take new data, `lanes`, `curves` and
`export` open finished ones. A run's directory is the only truth: nothing about it is kept anywhere else.
"""
