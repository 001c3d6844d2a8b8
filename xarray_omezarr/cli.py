"""The command line, a door: each command is help, one import and one call."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from xarray_omezarr._version import __version__
from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning
from xarray_omezarr.shell_words import in_shell_words

_Command = TypeVar("_Command", bound=Callable[..., Any])

# As of programs that compare: 0 as it should be, 1 not so, 2 could not be asked.
_INVALID, _NOT_ASKED = 1, 2
_DATA: dict[str, Any] = {"none": False, "some": True, "all": "all"}


@click.group()
@click.version_option(__version__, prog_name="xarray-omezarr")
def main() -> None:
    """Write, read, check, convert and correct OME-Zarr."""


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


def _sizes(context: object, parameter: object, text: str | None) -> Any:
    """Parse ``auto``, ``512``, ``1,512,512`` or ``z=1,y=512,x=512``."""
    if text is None or text == "auto":
        return text
    try:
        if "=" in text:
            pairs = (part.split("=") for part in text.split(","))
            return {dim.strip(): int(size) for dim, size in pairs}
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no shape; write 512, 1,512,512 or z=1,y=512,x=512"
        ) from None
    return sizes[0] if len(sizes) == 1 else sizes


def _by_dim(context: object, parameter: object, given: Sequence[str]) -> Any:
    """Parse ``x=0.1`` (given any number of times) to numbers by dim."""
    found = {}
    for dim, text in _pairs(given):
        try:
            found[dim] = float(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} of {dim!r} is no number") from None
    return found or None


def _words_by_dim(context: object, parameter: object, given: Sequence[str]) -> Any:
    """Parse ``x=micrometer``; ``x=`` is None, which removes it."""
    return {dim: text or None for dim, text in _pairs(given, empty=True)} or None


def _values(context: object, parameter: object, given: Sequence[str]) -> Any:
    """Parse ``key=JSON``; what is not JSON is text."""
    return {key: _json_or_text(text) for key, text in _pairs(given)} or None


def _value(context: object, parameter: object, text: str | None) -> Any:
    return None if text is None else _json_or_text(text)


def _channels(context: object, parameter: object, given: Sequence[str]) -> Any:
    """Names, or JSON objects of what a channel says of itself."""
    is_object = [text.lstrip().startswith("{") for text in given]
    try:
        return [
            json.loads(text) if whole else text
            for text, whole in zip(given, is_object, strict=True)
        ] or None
    except ValueError as problem:
        raise click.BadParameter(f"a channel is no JSON: {problem}") from None


def _listed(context: object, parameter: object, given: Sequence[str]) -> Any:
    """Several values, each option with one or, between commas, several."""
    return [part.strip() for text in given for part in text.split(",")] or None


def _object(context: object, parameter: object, text: str | None) -> Any:
    found = None if text is None else _json_or_text(text)
    if isinstance(found, str) or not isinstance(found, dict | None):
        raise click.BadParameter("write a JSON object, as '{\"anon\": true}'")
    return found


def _pairs(given: Sequence[str], *, empty: bool = False) -> Iterator[tuple[str, str]]:
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals and (value or empty)):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE")
        yield key, value


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _place(command: _Command) -> _Command:
    """Add what every command on a store takes."""
    options = click.option(
        "--storage-options",
        callback=_object,
        metavar="JSON",
        help="For URLs: passed to fsspec.",
    )
    return options(command)


@main.command()
@click.argument("store")
@click.option(
    "--level",
    type=click.Choice(["schema", "strict", "standard"]),
    default="standard",
    show_default=True,
    help="What to ask: the schemas, the strict ones, or all that the text says.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--data",
    type=click.Choice(["none", "some", "all"]),
    default="some",
    show_default=True,
    help="Which chunks to decode: none (look at metadata only), some, or all.",
)
@click.option("--no-data", is_flag=True, help="As --data none.")
@click.option("--all-data", is_flag=True, help="As --data all.")
@click.option("--group", help="Path inside the store to begin at.")
@click.option(
    "--conformance",
    type=click.Choice(["attributes", "zarr"]),
    help="Answer the standard's own runner: STORE is a JSON file of attributes, or a "
    "folder; one JSON object is printed, the exit code is 0 also for what is invalid.",
)
@_place
def validate(
    store: str,
    level: Literal["schema", "strict", "standard"],
    as_json: bool,
    data: str,
    no_data: bool,
    all_data: bool,
    group: str | None,
    conformance: Literal["attributes", "zarr"] | None,
    storage_options: dict[str, Any] | None,
) -> None:
    """Check all that is in STORE: a folder, a zip file or a URL.

    Exit code 0: nothing is wrong (warnings may be told); 1: it is invalid; 2: it could
    not be checked. Then --json prints {"error": "..."}.
    """
    if conformance is not None:
        from xarray_omezarr.conformance import answer

        click.echo(answer(conformance, store))
        return
    from xarray_omezarr import validate as check

    with _asked(as_json), _told_plainly(_NotAsked):
        report = check(
            store,
            level=level,
            data=_DATA["none" if no_data else "all" if all_data else data],
            group=group,
            storage_options=storage_options,
        )
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else str(report))
    if not report.ok:
        raise SystemExit(_INVALID)


@main.command()
@click.argument("source")
@click.argument("target")
@click.option("--version", help="Version of OME-Zarr; no older one if absent.")
@click.option(
    "--mode",
    type=click.Choice(["w-", "w", "a"]),
    help="w replaces what is there; a as well, but never a folder of other files.",
)
@click.option("--group", help="Path inside TARGET where the result goes.")
@click.option("--source-group", help="Path inside SOURCE of what to convert.")
@click.option("--chunks", callback=_sizes, metavar="SHAPE", help="Shape of a chunk.")
@click.option("--shards", callback=_sizes, metavar="SHAPE", help="Shape of a shard.")
@click.option("--compression", help="blosc-zstd, blosc-lz4, zstd, gzip or none.")
@click.option(
    "--wells", multiple=True, callback=_listed, help="Of a plate, only these: A/1,B/2."
)
@click.option(
    "--fields", multiple=True, callback=_listed, help="Of each well, only these: 0,1."
)
@click.option("--lossy", is_flag=True, help="Drop what the version cannot hold.")
@click.option(
    "--fill-value",
    callback=_value,
    metavar="JSON",
    help="What pixels that are not stored are; that of SOURCE if absent.",
)
@click.option("--memory-limit", help="As 2GB: how much to hold at a time.")
@click.option("--progress", is_flag=True, help="Show a progress bar.")
@click.option(
    "--source-storage-options",
    callback=_object,
    metavar="JSON",
    help="For SOURCE, if they are not those of TARGET.",
)
@_place
def convert(source: str, target: str, **options: Any) -> None:
    """Write SOURCE anew as TARGET: in another version, with other chunks, in part.

    SHAPE is 512 (every dim), 1,512,512 (in stored order) or y=512,x=512. What is not
    asked to change stays as it is: stored chunks are copied as bytes where they can be.
    """
    from xarray_omezarr import convert as write_anew

    with _told_plainly():
        write_anew(source, target, **_given(options))


@main.command()
@click.argument("store")
@click.option("--version", required=True, help="Version of OME-Zarr to become.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done.")
@click.option("--keep", is_flag=True, help="Leave the old version's metadata there.")
@click.option("--lossy", is_flag=True, help="Drop what the version cannot hold.")
@click.option("--group", help="Path inside STORE of what to upgrade.")
def upgrade(store: str, version: str, **options: Any) -> None:
    """Make STORE one of another version where it lies, leaving its pixels alone.

    Exit code 0 if it is done, or could be with --dry-run; else 1.
    """
    from xarray_omezarr import upgrade as change_version

    with _told_plainly():
        done = change_version(store, version=version, **_given(options))
    if done is not None:
        click.echo(_in_own_words(done))
    if getattr(done, "problems", ()):
        raise SystemExit(_INVALID)


@main.command()
@click.argument("store")
@click.option(
    "--scale",
    multiple=True,
    callback=_by_dim,
    metavar="DIM=NUMBER",
    help="Size of a pixel of the finest level; the coarser ones follow.",
)
@click.option(
    "--translation",
    multiple=True,
    callback=_by_dim,
    metavar="DIM=NUMBER",
    help="Place of the centre of the first pixel of the finest level.",
)
@click.option(
    "--unit",
    "units",
    multiple=True,
    callback=_words_by_dim,
    metavar="DIM=UNIT",
    help="As x=micrometer; x= removes it.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    callback=_channels,
    metavar="NAME|JSON",
    help="One for each channel, in order.",
)
@click.option("--name", help="Name of the image.")
@click.option(
    "--attr",
    "attrs",
    multiple=True,
    callback=_values,
    metavar="KEY=JSON",
    help="Attribute beside those of the standard; what is not JSON is text.",
)
@click.option("--group", help="Path inside the store to begin at.")
@_place
def update(store: str, **options: Any) -> None:
    """Correct what STORE says of its pixels: all levels, labels and fields of it.

    Options may be given several times: --scale y=0.1 --scale x=0.1. Only metadata are
    written, all together or none.
    """
    from xarray_omezarr import update as correct

    wanted = _given(options)
    if not set(wanted) - {"group", "storage_options"}:
        raise click.UsageError("Say what to correct, as --scale x=0.1; see --help.")
    with _told_plainly():
        correct(store, **wanted)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given; the others are what the function says."""
    return {
        name: value
        for name, value in options.items()
        if value is not None and value is not False
    }


class _NotAsked(click.ClickException):
    """Nothing was checked: that is neither yes nor no."""

    exit_code = _NOT_ASKED


@contextmanager
def _asked(as_json: bool) -> Iterator[None]:
    """Whatever happens is no answer: neither yes nor no."""
    try:
        yield
    except click.ClickException as problem:
        if as_json:
            click.echo(json.dumps({"error": problem.message}))
        raise
    except Exception as problem:
        words = f"{type(problem).__name__}: {problem}"
        if as_json:
            click.echo(json.dumps({"error": words}))
        raise _NotAsked(f"It could not be checked: {words}") from problem


@contextmanager
def _told_plainly(
    told: type[click.ClickException] = click.ClickException,
) -> Iterator[None]:
    """Show what the user can mend as one message, without a traceback."""
    try:
        with _warnings_in_a_line():
            yield
    except (OmeZarrError, OSError) as problem:
        raise told(_in_own_words(problem)) from problem


def _in_own_words(message: object) -> str:
    """A message with the options of the command that runs."""
    context = click.get_current_context(silent=True)
    known = [] if context is None else context.command.params
    return in_shell_words(str(message), [name for p in known for name in p.opts])


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Show our warnings without the line of the program that they point at."""
    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", OmeZarrWarning)

        def show(
            message: Warning | str, category: type[Warning], *place: Any, **more: Any
        ) -> None:
            if issubclass(category, OmeZarrWarning):
                click.echo(f"Warning: {_in_own_words(message)}", err=True)
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = show
        yield
