"""The units that the standard lists: names of UDUNITS-2, singular and in full.

Not among them: decameter, week, year, micron, pixel, degree, hertz.
"""

from __future__ import annotations

# RULES A11, the same in all versions.
SPACE_UNITS: frozenset[str] = frozenset(
    """
    angstrom attometer centimeter decimeter exameter femtometer foot gigameter
    hectometer inch kilometer megameter meter micrometer mile millimeter nanometer
    parsec petameter picometer terameter yard yoctometer yottameter zeptometer
    zettameter
    """.split()
)

TIME_UNITS: frozenset[str] = frozenset(
    """
    attosecond centisecond day decisecond exasecond femtosecond gigasecond
    hectosecond hour kilosecond megasecond microsecond millisecond minute nanosecond
    petasecond picosecond second terasecond yoctosecond yottasecond zeptosecond
    zettasecond
    """.split()
)
