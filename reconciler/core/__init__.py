"""The pure middle: values, comparison, plan, report. No I/O, clock, randomness, async or
logging.
"""
