from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.created import CreatedArray


class Nested:
    """Gives lists, as few arrays do, which numpy can read all the same."""

    def __init__(self):
        self.pixels = np.zeros((4, 4))

    def __setitem__(self, key, value):
        self.pixels[key] = value

    def __getitem__(self, key):
        return self.pixels[key].tolist()


def test_what_is_read_is_made_an_array_of_numpy():
    array = CreatedArray(Nested(), "0")
    array[0:2, 0:4] = np.ones((2, 4))
    assert array[0:4, 0:1].tolist() == [[1], [1], [0], [0]]


def test_an_error_of_the_array_says_which_block_it_was():
    class Broken(Nested):
        def __setitem__(self, key, value):
            raise OSError("full")

    with pytest.raises(OSError, match="full") as caught:
        CreatedArray(Broken(), "labels/cells/0")[0:2, 2:4] = 1
    assert caught.value.__notes__ == [
        "Raised by the writer's array 'labels/cells/0', while it stored the block "
        "0:2, 2:4"
    ]


def test_an_array_that_cannot_travel_is_refused_when_it_should():
    nested = Nested()
    nested.lock = threading.Lock()
    with pytest.raises(OptionError, match="cannot be sent to the workers"):
        pickle.dumps(CreatedArray(nested, "0"))
