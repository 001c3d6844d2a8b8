"""`python -m xarray_omezarr`, the same as the command `xarray-omezarr`.

The one question that is asked by a process of its own for every file is answered here
without a parser of commands, which takes longer than the answer.
"""

from __future__ import annotations

import sys

_QUESTION = ["validate", "--conformance"]


def main() -> None:
    """Run the command with the arguments of this process."""
    arguments = sys.argv[1:]
    if arguments[:2] == _QUESTION and len(arguments) == 4:
        from xarray_omezarr.conformance import MODES, answer

        mode, path = arguments[2:]
        # What begins so may be another option, which the parser knows.
        if mode in MODES and not path.startswith("-"):
            print(answer(mode, path))
            return
    from xarray_omezarr.cli import main as run

    run(prog_name="xarray-omezarr")


if __name__ == "__main__":
    main()
