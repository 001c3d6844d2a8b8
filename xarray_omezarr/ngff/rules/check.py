"""Check: all findings about the attributes of one group."""

from __future__ import annotations

from dataclasses import dataclass

from xarray_omezarr.ngff.rules.finding import Finding, Strictness


@dataclass(frozen=True, slots=True)
class Checked:
    """What the attributes of a group are, and what is wrong with them.

    Parameters
    ----------
    findings : tuple of Finding
        All faults.
    version : str, optional
        Version of the standard that they were measured with; None if they hold no
        OME metadata.
    kind : str, optional
        One of ``"image"``, ``"label"``, ``"labels"``, ``"plate"``, ``"well"``,
        ``"bioformats2raw"``, ``"series"``, ``"scene"``.
    """

    findings: tuple[Finding, ...]
    version: str | None
    kind: str | None


def check_attributes(
    attrs: object,
    level: Strictness = "standard",
    *,
    path: str = "",
    expected: str | None = None,
    within: str | None = None,
) -> Checked:
    """Measure the attributes of one group with the rules of the standard.

    Parameters
    ----------
    attrs : object
        The attributes as JSON was read; anything else is a finding as well.
    level : {"schema", "strict", "standard"}
        Whose demands count.
    path : str
        Node that the findings name.
    expected : str, optional
        Version that the attributes must be in.
    within : str, optional
        Version of the hierarchy above, for groups that tell none.
    """
    return Checked((), expected or within, None)
