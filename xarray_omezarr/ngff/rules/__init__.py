"""Rules: what the standard demands of the attributes of a group, in plain Python.

Nothing here raises for what it reads: every fault becomes a `Finding`.
"""
