"""Values -> text: plans, reports, test results and problems as JSON, for terminals and for
Markdown.

Pure: imports `core` and nothing that reads or writes; where the text goes is the caller's business.
"""
