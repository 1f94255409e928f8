"""Changes of objects, by the watch engine of kopf: low-level events only.

The only folder that imports kopf. It must not know what the events are for. Entry point:
`events.watch`.
"""
