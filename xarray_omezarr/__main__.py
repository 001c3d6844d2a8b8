"""`python -m xarray_omezarr`, the same as the command `xarray-omezarr`."""

from __future__ import annotations

from xarray_omezarr.cli import main

if __name__ == "__main__":
    main(prog_name="xarray-omezarr")
