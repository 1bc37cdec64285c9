from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
import pytest

from pi0bench.openpi.msgpack_codec import MalformedError, pack, unpack

# As openpi-client 0.1.2 writes {"state": np.array([1, 2, 3], np.float32)}.
STATE = (
    b"\x81\xa5state\x84\xc4\x0b__ndarray__\xc3\xc4\x04data\xc4\x0c"
    b"\x00\x00\x80?\x00\x00\x00@\x00\x00@@\xc4\x05dtype\xa3<f4\xc4\x05shape\x91\x03"
)


def test_arrays_are_the_bytes_that_openpi_writes() -> None:
    assert pack({"state": np.array([1, 2, 3], np.float32)}) == STATE
    found = unpack(STATE)
    assert found["state"].dtype == np.float32
    assert found["state"].tolist() == [1, 2, 3]
    assert not found["state"].flags.writeable


@pytest.mark.parametrize(
    "value",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.zeros((0, 7)),
        np.array(3.5),
        np.array([True, False]),
        np.float32(2.5),
        np.int64(7),
    ],
)
def test_what_is_packed_comes_back(value: Any) -> None:
    found = unpack(pack({"a": [value, "text", 3, None]}))["a"]
    np.testing.assert_array_equal(found[0], value)
    assert found[0].dtype == value.dtype
    assert found[1:] == ["text", 3, None]


def test_a_turned_array_is_packed_in_its_own_order() -> None:
    image = np.arange(6).reshape(2, 3)[::-1, ::-1]
    np.testing.assert_array_equal(unpack(pack(image)), image)


@pytest.mark.parametrize("value", [np.array([{}]), np.array(["a"]), np.array([1j]), object()])
def test_only_numbers_are_sent(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be sent"):
        pack(value)


def array(**changes: Any) -> bytes:
    fields = {"__ndarray__": True, "data": bytes(12), "dtype": "<f4", "shape": [3], **changes}
    data: Any = msgpack.packb({key.encode(): value for key, value in fields.items()})
    return data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        pack({"a": 1})[:-1],
        pack([1]) + b"more",
        b"\x91" * 5000 + b"\xc0",
        b"\xdd\xff\xff\xff\xff",
        array(shape=[4]),
        array(shape=[-3]),
        array(shape=[3.0]),
        array(shape=[True, 3]),
        array(shape=[1] * 5 + [3]),
        array(shape=3),
        array(data="text"),
        array(dtype="|O"),
        array(dtype="<V4"),
        array(dtype="<c8"),
        array(dtype="<U3"),
        array(dtype="f4,i4"),
        array(dtype=4),
        array(dtype="??"),
        msgpack.packb({b"__npgeneric__": True, b"data": "x", b"dtype": "<f4"}),
    ],
)
def test_hostile_messages_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        unpack(data)
