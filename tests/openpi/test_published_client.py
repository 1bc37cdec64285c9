"""openpi's own client, as published, against our server; skipped where it is not installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.openpi.conftest import Swaying, serving
from tests.openpi.test_server import observation


def test_it_gets_the_chunk_that_the_policy_plans(swaying: Swaying) -> None:
    published: Any = pytest.importorskip("openpi_client.websocket_client_policy")
    sent = observation(noise={"entropy": 0, "spawn_key": [3, 1]})
    with serving(swaying) as port:
        client = published.WebsocketClientPolicy("127.0.0.1", port)
        assert client.get_server_metadata()["pi0bench"]["policy"] == "swaying"
        found = [client.infer(sent)["actions"] for _ in range(2)]
        with pytest.raises(RuntimeError, match="a text would work"):
            client.infer({**sent, "prompt": None})
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0].shape == (16, 7)
