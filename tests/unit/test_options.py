"""Write options: declared once, shown everywhere, refused when unknown."""

from __future__ import annotations

import inspect

import pytest

import xarray_omezarr as xo
from xarray_omezarr.options import (
    WriteOptions,
    complete,
    declared,
    shows_write_options,
)

# What the documentation of the interface promises, option by option.
PROMISED_DEFAULTS = {
    "mode": None,
    "resume": False,
    "version": None,
    "group": None,
    "name": None,
    "dims": None,
    "scale_factors": "auto",
    "method": "auto",
    "chunks": "auto",
    "fill_value": 0,
    "write_empty_chunks": False,
    "shards": None,
    "compression": "auto",
    "channels": None,
    "attrs": None,
    "irregular": "auto",
    "storage_options": None,
    "consolidated": False,
    "lossy": False,
    "memory_limit": None,
    "region": None,
    "pyramid": True,
    "append_dim": None,
    "writer": "auto",
    "progress": False,
    "transforms": None,
}


@shows_write_options
def verb(obj, store, *, compute=True, **options):
    """Do something.

    Parameters
    ----------
    obj : object
        What.
    **options

    Returns
    -------
    dict
        The options.
    """
    return complete(options)


def test_every_option_has_the_default_that_is_promised() -> None:
    assert {name: option.default for name, (_, option) in declared().items()} == (
        PROMISED_DEFAULTS
    )


def test_no_option_is_left_without_a_sentence() -> None:
    for name, (_, option) in declared().items():
        assert option.doc.endswith("."), name
        assert "  " not in option.doc, name


def test_options_that_are_not_given_have_their_defaults() -> None:
    assert complete({"chunks": 64}) == {**PROMISED_DEFAULTS, "chunks": 64}


def test_an_option_given_as_its_default_is_not_lost() -> None:
    assert complete({"scale_factors": None})["scale_factors"] is None


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("chunk", "chunks"),
        ("scale_factor", "scale_factors"),
        ("compressor", "compression"),
        ("computes", "compute"),
        ("Version", "version"),
    ],
)
def test_an_unknown_option_is_a_type_error_with_the_nearest_name(wrong, right) -> None:
    with pytest.raises(TypeError, match=f"{wrong!r}; did you mean {right!r}"):
        complete({wrong: 1})


def test_an_option_unlike_all_others_is_answered_with_the_list() -> None:
    with pytest.raises(TypeError, match=r"'qqq'.*'chunks'.*'version'"):
        complete({"qqq": 1})


@pytest.mark.parametrize(
    ("verb", "wrong", "said"),
    [
        (xo.write_image, "label", "did you mean 'labels'"),
        (xo.write_image, "images", "did you mean 'image'"),
        (xo.write_image, "properties", "here that is attrs['image-label']"),
        (xo.write_image, "colours", "here that is attrs['image-label']"),
        (xo.write_labels, "colours", "did you mean 'colors'"),
        (xo.write_labels, "propertys", "did you mean 'properties'"),
        (xo.write_plate, "platemap", "did you mean 'plate_map'"),
        (xo.write_plate, "aquisitions", "did you mean 'acquisitions'"),
        (xo.write_field, "aquisition", "did you mean 'acquisition'"),
        (xo.write_field, "lay_out", "did you mean 'layout'"),
        (xo.write_bioformats2raw, "omexml", "did you mean 'ome_xml'"),
        (xo.write_series, "omexml", "did you mean 'ome_xml'"),
    ],
)
def test_keywords_of_the_verb_itself_are_offered(verb, wrong, said) -> None:
    arguments = inspect.signature(verb).parameters.values()
    given = {a.name: None for a in arguments if a.kind is a.POSITIONAL_OR_KEYWORD}
    with pytest.raises(TypeError) as caught:
        verb(**given, **{wrong: 1})
    assert f"Unknown write option {wrong!r}; {said}" in str(caught.value)


def test_the_typed_keywords_are_the_declared_ones() -> None:
    assert set(WriteOptions.__annotations__) == set(declared())


class TestShown:
    def test_the_signature_spells_out_every_option_after_the_own_keywords(self) -> None:
        parameters = inspect.signature(verb).parameters
        assert list(parameters) == ["obj", "store", "compute", *declared()]
        for name, (_, option) in declared().items():
            assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
            assert parameters[name].default == option.default

    def test_the_help_has_an_entry_for_every_option_and_keeps_what_follows(
        self,
    ) -> None:
        doc = inspect.getdoc(verb) or ""
        assert "**options" not in doc
        for name, (_, option) in declared().items():
            assert f"\n{name} : default {option.default!r}\n" in doc
        assert doc.index("memory_limit :") < doc.index("Returns\n-------")

    def test_the_help_stays_within_the_width_of_a_terminal(self) -> None:
        assert max(map(len, (inspect.getdoc(verb) or "").splitlines())) <= 80

    def test_the_function_still_does_what_it_did(self) -> None:
        assert verb(None, None, chunks=3)["chunks"] == 3

    def test_a_function_without_the_line_keeps_its_docstring(self) -> None:
        def bare(**options):
            """Say nothing of options."""

        assert shows_write_options(bare).__doc__ == "Say nothing of options."

    def test_a_function_without_docstring_is_left_without(self) -> None:
        assert shows_write_options(lambda **options: None).__doc__ is None
