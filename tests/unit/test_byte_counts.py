"""Numbers of bytes as people write them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xarray_omezarr.byte_counts import parse_bytes
from xarray_omezarr.errors import OptionError


class TestParseBytes:
    @pytest.mark.parametrize(
        ("text", "count"),
        [
            (1, 1),
            (67108864, 67108864),
            (np.int64(4096), 4096),
            (1.5e9, 1_500_000_000),
            ("4096", 4096),
            ("4096 B", 4096),
            ("1 KiB", 2**10),
            ("64 MiB", 64 * 2**20),
            ("64MiB", 64 * 2**20),
            (" 64 mib ", 64 * 2**20),
            ("1.5 GiB", 3 * 2**29),
            ("1 TiB", 2**40),
            ("1 kB", 1000),
            ("250 MB", 250_000_000),
            ("1 GB", 10**9),
            ("2 TB", 2 * 10**12),
            ("1e6", 10**6),
        ],
    )
    def test_bytes_are_read_as_people_write_them(self, text, count) -> None:
        parsed = parse_bytes(text)
        assert parsed == count
        assert type(parsed) is int

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "much",
            "64 MeB",
            "MiB",
            "1 GiBB",
            0,
            -5,
            "-1 GiB",
            0.5,
            math.nan,
            math.inf,
            "inf",
            "nan MiB",
            None,
            True,
        ],
    )
    def test_what_is_no_number_of_bytes_is_refused_with_an_example(self, text) -> None:
        with pytest.raises(OptionError, match=r"memory_limit is .*'64 MiB'"):
            parse_bytes(text)
