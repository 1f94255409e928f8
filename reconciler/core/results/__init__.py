"""What happened: reports of runs and tests, deliveries, drift, coverage of events.

Knows no output format. Entry points: `reports.Report`, `drift.look`.
"""
