"""Plans that outlive a run: a plan as a file, its reading, and which side moved since a revision.

Knows no files: it makes and reads dicts. Entry points: `plan_file`, `plan_reading`, `resume`,
`since`.
"""
