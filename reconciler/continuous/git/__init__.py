"""Git as the source of the desired state: a bare copy of one branch, the signatures of its commits,
and the check that history only moves forward.

Runs the git command line, and writes nothing outside the state folder. Knows no manifest and no
tenant. Entry points: `mirror.Mirror`, `verify.verify_commits`, `history.check_history`.
"""
