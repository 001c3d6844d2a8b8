"""Which axis each dim is, for the names that objects really have."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Collection, Sequence

import pytest

from xarray_omezarr.errors import AxisError, OmeZarrWarning, OptionError
from xarray_omezarr.grid.dims import Arrangement, Role, arrange, is_samples, roles


def sizes_of(dims: Sequence[str]) -> dict[str, int]:
    return dict.fromkeys(dims, 4)


def arranged(
    dims: Sequence[str],
    requested: str | Sequence[str] | None = None,
    labelled: Collection[str] = (),
    **sizes: int,
) -> Arrangement:
    return arrange(dims, sizes_of(dims) | sizes, labelled, requested)


def names_of(dims: Sequence[str], labelled: Collection[str] = ()) -> list[str]:
    found = roles(dims, sizes_of(dims), labelled)
    return [found[dim].name for dim in dims]


class TestRoles:
    @pytest.mark.parametrize(
        ("dims", "names"),
        [
            ("tczyx", "tczyx"),
            ("TCZYX", "tczyx"),
            ("XYZCT", "xyzct"),
            (["time", "channel", "depth", "height", "width"], "tczyx"),
            (["Frame", "CH", "Z", "Rows", "Cols"], "tczyx"),
            (["timepoints", "channels", "lat", "lon"], "tcyx"),
            (["band", "latitude", "longitude"], "cyx"),
            (["y", "x", "z", "channels_0"], "yxzc"),
            (["Y", "X", "S"], "yxc"),
            (["y", "x", "rgb"], "yxc"),
            (["row", "column"], "yx"),
        ],
    )
    def test_names_of_producers(self, dims: Sequence[str], names: str) -> None:
        assert names_of(dims) == list(names)

    def test_each_has_its_type(self) -> None:
        found = roles("TCZYX", sizes_of("TCZYX"))
        types = [role.type for role in found.values()]
        assert types == ["time", "channel", "space", "space", "space"]

    @pytest.mark.parametrize(
        ("dims", "names"),
        [
            (["y", "x", "row"], ["y", "x", "row"]),
            (["height", "y", "x"], ["height", "y", "x"]),
            (["T", "t", "y", "x"], ["t", "t", "y", "x"]),
        ],
    )
    def test_a_short_exact_name_wins(self, dims: list[str], names: list[str]) -> None:
        found = roles(dims, sizes_of(dims))
        assert [found[dim].name for dim in dims] == names
        assert found["y"] == Role("y", "space")

    def test_rows_with_labels_are_wells(self) -> None:
        assert names_of(["row", "column", "y", "x"], ["row"])[0] == "row"
        assert roles(["row", "col"], sizes_of(["row", "col"]), ["row", "col"]) == {
            "row": Role("row", "channel"),
            "col": Role("col", "channel"),
        }

    def test_a_custom_dim_has_its_own_name_in_lower_case_for_a_type(self) -> None:
        assert roles(["Angle"], {"Angle": 3}) == {"Angle": Role("angle", "angle")}

    def test_a_custom_dim_with_labels_is_of_channels(self) -> None:
        found = roles(["Stain"], {"Stain": 3}, labelled=["Stain"])
        assert found == {"Stain": Role("stain", "channel")}

    @pytest.mark.parametrize("dim", ["S", "s", "sample", "Samples", "RGB", "rgba"])
    def test_samples_are_told_by_name(self, dim: str) -> None:
        assert is_samples(dim)
        assert not is_samples("c")


class TestArrange:
    def test_every_order_is_brought_into_that_of_the_standard(self) -> None:
        for dims in itertools.permutations("tczyx"):
            assert arranged(dims).dims == ("t", "c", "z", "y", "x")

    def test_own_names_are_kept_beside_the_stored_ones(self) -> None:
        found = arranged(["Width", "Height", "Time", "Stain"], labelled=["Stain"])
        assert found == Arrangement(
            dims=("Time", "Stain", "Height", "Width"),
            names=("t", "stain", "y", "x"),
            types=("time", "channel", "space", "space"),
        )
        assert found.inserted == ()

    def test_one_custom_axis_stands_where_channels_would(self) -> None:
        found = arranged("QTYX")
        assert found.names == ("t", "q", "y", "x")
        assert found.types == ("time", "q", "space", "space")

    @pytest.mark.parametrize("order", ["YXSC", "CYXS"])
    def test_samples_take_the_place_of_a_single_channel(self, order: str) -> None:
        found = arranged(order, C=1, S=3)
        assert found.dims == ("S", "Y", "X")
        assert found.names == ("c", "y", "x")
        assert found.dropped == ("C",)

    def test_samples_are_channels_where_there_are_none(self) -> None:
        assert arranged("YXS").names == ("c", "y", "x")

    @pytest.mark.parametrize("channels", [1, 3])
    def test_a_single_sample_gives_way_to_channels(self, channels: int) -> None:
        found = arranged("CYXS", C=channels, S=1)
        assert found.dims == ("C", "Y", "X")
        assert found.dropped == ("S",)


class TestRefused:
    @pytest.mark.parametrize(
        ("dims", "said"),
        [
            ("CYXS", r"\['C', 'S'\] are all channels.*\.stack\(c="),
            ("cqyx", r"\['c', 'q'\] are all channels or custom axes"),
            ("abyx", r"select from all but one"),
            ("tczyxa", "6 dims.*to_bioformats2raw.*to_plate"),
            ("x", "only .'x'. are of space"),
            ("tcx", r"two or three: y and x.*\.rename\(.*dims="),
            (["u", "v"], "rename"),
            (["dim_0", "dim_1", "dim_2"], "have no names.*dims='zyx'"),
            ("ptcyx", "'p' tells 4 images apart.*to_bioformats2raw.*to_plate"),
            (["scene", "y", "x"], "'scene' tells 4 images apart"),
            (["row", "column", "field", "y", "x"], "tells 4 images apart.*to_plate"),
            (["y", "x", "row"], "'row' tells 4 images apart"),
            (["height", "y", "x"], "'y' and 'height' both look like the axis 'y'"),
            (["t", "time", "y", "x"], "'t' and 'time' both look like the axis 't'"),
            (["c", "channel", "y", "x"], "both look like the axis 'c'"),
            (["space", "y", "x"], "'space' has the name of a type of axis"),
            ([], "only .. are of space"),
        ],
    )
    def test_with_what_to_do(self, dims: Sequence[str], said: str) -> None:
        with pytest.raises(AxisError, match=said):
            arranged(dims)

    def test_rows_with_labels_are_no_image(self) -> None:
        with pytest.raises(AxisError, match=r"'row' tells 8 images apart.*to_plate"):
            arranged(["row", "column", "y", "x"], labelled=["row"], row=8)

    def test_a_single_position_can_be_dropped(self) -> None:
        with pytest.raises(AxisError, match=r"\.squeeze\('P'\)"):
            arranged("PYX", P=1)

    @pytest.mark.parametrize("requested", [None, "yx"])
    def test_no_pixels_are_no_image(self, requested: str | None) -> None:
        with pytest.raises(AxisError, match=r"\['x'\] have size 0"):
            arranged("yx", requested, x=0)


class TestRequested:
    def test_missing_dims_are_inserted(self) -> None:
        found = arranged("yx", "tczyx")
        assert found.dims == (None, None, None, "y", "x")
        assert found.names == ("t", "c", "z", "y", "x")
        assert found.types == ("time", "channel", "space", "space", "space")
        assert found.inserted == ("t", "c", "z")

    @pytest.mark.parametrize(
        ("dims", "requested", "own"),
        [
            ("XYT", "TYX", ("T", "Y", "X")),
            ("xyt", "TYX", ("t", "y", "x")),
            ("XYT", "tyx", ("T", "Y", "X")),
            (["width", "height"], "yx", ("height", "width")),
            (["width", "height"], ["Height", "x"], ("height", "width")),
            (["y", "x", "channels_1"], ["channel", "y", "x"], ("channels_1", "y", "x")),
            (["angle", "y", "x"], ["angle", "y", "x"], ("angle", "y", "x")),
            ("YXS", "cyx", ("S", "Y", "X")),
        ],
    )
    def test_own_and_stored_names_of_any_case_are_understood(
        self, dims: Sequence[str], requested: str | Sequence[str], own: tuple[str, ...]
    ) -> None:
        found = arranged(dims, requested)
        assert found.dims == own
        assert found.inserted == ()

    @pytest.mark.parametrize("order", ["SCYX", "CSYX"])
    def test_samples_are_the_channels(self, order: str) -> None:
        found = arranged(order, "cyx", C=1, S=3)
        assert found.dims == ("S", "Y", "X")
        assert found.dropped == ("C",)

    def test_dims_without_names_are_named_by_their_place(self) -> None:
        found = arranged(["dim_0", "dim_1", "dim_2"], "cyx")
        assert found.dims == ("dim_0", "dim_1", "dim_2")
        assert found.names == ("c", "y", "x")
        assert found.types == ("channel", "space", "space")

    def test_so_is_the_one_that_has_none(self) -> None:
        found = arranged(["dim_0", "y", "x"], "zyx")
        assert found.dims == ("dim_0", "y", "x")
        assert found.names == ("z", "y", "x")

    def test_single_pixels_may_be_left_out(self) -> None:
        found = arranged("ptcyx", "tcyx", p=1)
        assert found.dims == ("t", "c", "y", "x")
        assert found.dropped == ("p",)

    def test_another_order_of_space_is_warned_of(self) -> None:
        with pytest.warns(OmeZarrWarning, match=r"\['x', 'y'\].*z, y, x"):
            found = arranged("yx", "xy")
        assert found.names == ("x", "y")

    def test_that_of_the_standard_is_not(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            arranged("xyzct", "tczyx")

    @pytest.mark.parametrize(
        ("dims", "requested", "said"),
        [
            ("tyx", "yx", r"leaves out \['t'\] of \('t', 'y', 'x'\)"),
            ("yx", "yyx", "names a dim twice"),
            ("yx", ["height", "y", "x"], "names a dim twice"),
            ("yx", "qyx", r"'q', which is neither one of \('y', 'x'\) nor"),
            ("tyx", "ytx", "an order that the standard forbids"),
            ("ctyx", "ctyx", "an order that the standard forbids"),
            ("cyx", "yxc", "an order that the standard forbids"),
            ("cqyx", "cqyx", "are all channels or custom axes"),
            ("pyx", "pyx", "'p' tells 4 images apart"),
            (["dim_0", "dim_1", "dim_2"], "yx", "leaves out"),
            ("tx", "tx", "are of space"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, dims: Sequence[str], requested: str | Sequence[str], said: str
    ) -> None:
        with pytest.raises(AxisError, match=said):
            arranged(dims, requested)

    def test_numbers_are_no_names(self) -> None:
        with pytest.raises(OptionError, match="give names of dims"):
            arranged("yx", [0, 1])  # type: ignore[list-item]
