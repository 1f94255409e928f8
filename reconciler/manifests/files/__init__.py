"""Which files a run reads, in the work tree or at a revision.

Knows no YAML. Entry points: `paths.find`, `git`.
"""
