"""The socket that a server listens on."""

from __future__ import annotations

import asyncio
import socket

import pytest

from api.commands.serving import listening
from core.errors import PortTaken


def test_answers_leave_without_waiting_for_acknowledgements_of_what_was_sent_before() -> None:
    async def option_of_a_connection() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            option = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            accepted.set_result(option)
            writer.close()

        listener = listening("127.0.0.1", 0)
        async with await asyncio.start_server(accept, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            option = await accepted
            writer.close()
            await writer.wait_closed()
        return option

    assert asyncio.run(option_of_a_connection()) == 1


def test_a_port_that_somebody_has_is_named() -> None:
    with listening("127.0.0.1", 0) as taken, pytest.raises(PortTaken):
        listening("127.0.0.1", taken.getsockname()[1])
