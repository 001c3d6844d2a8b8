"""Whether one level of a pyramid holds all pixels that another is made of."""

from __future__ import annotations


def holds_bins(finest: int, fine: tuple[int, int], coarse: tuple[int, int]) -> bool:
    """Whether whole bins of a finer level are all the pixels of a coarser one.

    Programs round sizes up or down. A level that was rounded down lacks the last
    pixels of level 0, and cannot make one that has them.

    Parameters
    ----------
    finest : int
        Pixels of level 0 along an axis.
    fine, coarse : tuple of int
        Of either level, its pixels, and pixels of level 0 in one of them.

    Examples
    --------
    >>> holds_bins(9, (5, 2), (3, 4)), holds_bins(9, (4, 2), (2, 4))
    (True, True)
    >>> holds_bins(9, (4, 2), (3, 4)), holds_bins(9, (9, 1), (3, 4))
    (False, True)
    """
    has, each = fine
    needs, all_of_one = coarse
    if all_of_one % each:
        return False
    # Rounded down again; a level of no pixels has one.
    is_continued = needs <= max(1, has * each // all_of_one)
    return is_continued or has * each >= min(needs * all_of_one, finest)
