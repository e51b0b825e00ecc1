"""Runs: what lies in the workspace, how it goes on, and new ones.

`places` finds them, `summary` says how each stands, `course`, `following` and `stream` tell what a running one reports,
`process`, `jobs`, `queue` and `command` start and stop their processes, `uploads`, `inspection`, `form` and `new` take
new data, `lanes` and `export` open finished ones, `show` and `routes` are the pages. A run's directory is the only
truth: nothing about it is kept anywhere else.
"""
