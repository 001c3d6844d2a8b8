"""The command line, a door: each command is help, one import and one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from xarray_omezarr._version import __version__
from xarray_omezarr.errors import OmeZarrError


@click.group()
@click.version_option(__version__, prog_name="xarray-omezarr")
def main() -> None:
    """Write and read OME-Zarr images as xarray objects."""


@main.command()
@click.argument(
    "directory",
    default=Path("omezarr-demo"),
    type=click.Path(file_okay=False, path_type=Path),
)
@click.option("--overwrite", is_flag=True, help="Replace the images of an earlier run.")
def demo(directory: Path, overwrite: bool) -> None:
    """Write real pictures to DIRECTORY as OME-Zarr, and read them back.

    DIRECTORY is made if it is not there (default: omezarr-demo). Needs the extra
    "demo"; nothing is downloaded.
    """
    # Imported here, so that `--help` does not wait for xarray.
    from xarray_omezarr.demo import run_demo

    with _told_plainly():
        for line in run_demo(directory, overwrite=overwrite):
            click.echo(line)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Show what the user can mend as one message, without a traceback."""
    try:
        yield
    except (OmeZarrError, OSError) as problem:
        raise click.ClickException(str(problem)) from problem
