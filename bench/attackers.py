"""The attacks of bench/attack. Run as a program it holds connections that send nothing."""

import asyncio
import resource
import sys
from dataclasses import dataclass

# What is opened at once: more would only measure the length of the accept queue.
OPENED_AT_ONCE = 200
REOPENED_AFTER_S = 2
PER_ADDRESS = 1000


@dataclass
class Slow:
    """slowhttptest in one of its modes."""

    name: str
    path: str
    options: list
    connections: int
    settings = ()

    def command(self, host, port, code, seconds):
        """Its command line. `-p` is how long its own probe waits: it stops when it thinks that the server is down."""
        url = f"http://{host}:{port}/{self.path or code}"
        pace = ["-c", self.connections, "-r", self.connections // 5, "-l", seconds, "-p", seconds]
        return [str(word) for word in ["slowhttptest", *pace, *self.options, "-u", url]]


@dataclass
class Silent:
    """Connections that send nothing, from so many of this machine's addresses."""

    name: str
    connections: int
    addresses: int = 1
    settings: tuple = ()

    def command(self, host, port, _code, _seconds):
        """The command line of this program."""
        return [sys.executable, __file__, host, str(port), str(self.connections), str(self.addresses)]


def attacks(connections, idle, connections_max):
    """All of them, by short name."""
    post = ["-t", "POST", "-f", "application/json"]
    beyond = connections_max + 2000
    limited = ("--max-connections-per-address", str(PER_ADDRESS))
    return {
        "heads": Slow("slow heads (-H)", "", ["-H", "-i", 5, "-x", 24], connections),
        "bodies": Slow("slow bodies (-B)", "shorten", ["-B", "-i", 5, "-s", 8192, *post], connections),
        "ranges": Slow("ranges (-R)", "", ["-R", "-t", "GET", "-a", 5, "-b", 2000], connections),
        # Ten times the API's description, which is more than a socket buffers, and costs the server no query.
        "reads": Slow(
            "slow reads (-X)", "openapi.json", ["-X", "-k", 10, "-w", 10, "-y", 20, "-n", 5, "-z", 32], connections
        ),
        "idle": Silent(f"{idle:,} silent", idle),
        "one": Silent(f"{beyond:,} silent, {PER_ADDRESS:,} an address", beyond, 1, limited),
        "crowd": Silent(f"{beyond:,} silent from {beyond // PER_ADDRESS} addresses", beyond, beyond // PER_ADDRESS, limited),
    }


async def hold(host, port, source, gate):
    """One connection that sends nothing, opened again when it is closed."""
    while True:
        try:
            async with gate:
                reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
            await reader.read()
            writer.close()
        except OSError:
            pass
        await asyncio.sleep(REOPENED_AFTER_S)


async def hold_many(host, port, count, addresses):
    # The visitors come from 127.0.0.1.
    sources = [f"127.0.0.{2 + number}" for number in range(addresses)]
    gate = asyncio.Semaphore(OPENED_AT_ONCE)
    await asyncio.gather(*(hold(host, port, sources[number % addresses], gate) for number in range(count)))


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(hold_many(sys.argv[1], *map(int, sys.argv[2:5])))
