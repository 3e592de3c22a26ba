"""A page that cannot be shown holds nobody up."""

import threading
import time

from tasks.reports.showing import Showing


class Server:
    """Shows nothing until it is let."""

    def __init__(self):
        self.free = threading.Event()
        self.began = threading.Event()
        self.shown = []

    def update(self, markdown):
        self.began.set()
        assert self.free.wait(20)
        self.shown.append(markdown)


def test_a_server_that_hangs_holds_up_neither_the_work_nor_its_end():
    server = Server()
    begun = time.monotonic()
    with Showing(server, farewell=0.2) as page:
        for number in range(100):
            page.update(str(number))
    assert time.monotonic() - begun < 5
    assert server.shown == []
    server.free.set()


def test_the_newest_page_is_shown_and_those_between_are_not():
    server = Server()
    with Showing(server) as page:
        page.update("first")
        assert server.began.wait(5)
        page.update("between")
        page.update("last")
        server.free.set()
    assert server.shown == ["first", "last"]
