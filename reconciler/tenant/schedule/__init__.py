"""Which attempt is due when: lanes, retries, the clock. Pure.

Knows no SQL.
"""
