"""Those who follow links while bench/attack attacks: at a steady pace, whatever the answers take."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field

# Redirects per second, and how many of the visitors open a connection for each.
PACE = 200
NEW_SHARE = 4
KEPT_CONNECTIONS = 20
GIVE_UP_S = 20


@dataclass
class Seen:
    """What visitors have seen for a while."""

    kept_ms: list = field(default_factory=list)
    new_ms: list = field(default_factory=list)
    failed: int = 0

    def kept_p99_ms(self):
        return p99(self.kept_ms)

    def new_p99_ms(self):
        return p99(self.new_ms)


def p99(values):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] if ordered else float("nan")


class Crowd:
    """Visitors of one server."""

    def __init__(self, host, port, codes):
        self.host, self.port = host, port
        self.codes = itertools.cycle(codes)
        self.seen = Seen()
        self.is_going = True

    def take(self):
        """What was seen since the last time."""
        seen, self.seen = self.seen, Seen()
        return seen

    def stop(self):
        self.is_going = False

    async def go(self):
        new_pace = PACE / NEW_SHARE
        kept_pace = (PACE - new_pace) / KEPT_CONNECTIONS
        kept = [self.keep(kept_pace, number / KEPT_CONNECTIONS) for number in range(KEPT_CONNECTIONS)]
        await asyncio.gather(self.renew(new_pace), *kept)

    async def keep(self, pace, phase):
        """Asks again and again on one connection, which is opened anew when it breaks."""
        due = time.monotonic() + phase / pace
        streams = None
        while self.is_going:
            await asyncio.sleep(max(0, due - time.monotonic()))
            try:
                streams = streams or await asyncio.wait_for(self.connect(), GIVE_UP_S)
                await asyncio.wait_for(self.ask(*streams), GIVE_UP_S)
                self.seen.kept_ms.append((time.monotonic() - due) * 1000)
            except (OSError, EOFError, TimeoutError):
                self.seen.failed += 1
                self.close(streams)
                streams = None
            due += 1 / pace
        self.close(streams)

    async def renew(self, pace):
        """Opens a connection for each request."""
        due = time.monotonic()
        asking = set()
        while self.is_going:
            await asyncio.sleep(max(0, due - time.monotonic()))
            task = asyncio.create_task(self.ask_once(due))
            asking.add(task)
            task.add_done_callback(asking.discard)
            due += 1 / pace
        await asyncio.gather(*asking)

    async def ask_once(self, due):
        streams = None
        try:
            async with asyncio.timeout(GIVE_UP_S):
                streams = await self.connect()
                await self.ask(*streams)
            self.seen.new_ms.append((time.monotonic() - due) * 1000)
        except (OSError, EOFError, TimeoutError):
            self.seen.failed += 1
        self.close(streams)

    def connect(self):
        return asyncio.open_connection(self.host, self.port)

    def close(self, streams):
        if streams:
            streams[1].close()

    async def ask(self, reader, writer):
        writer.write(f"GET /{next(self.codes)} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 302"):
            raise EOFError(head)
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.split(b":")[1]))
