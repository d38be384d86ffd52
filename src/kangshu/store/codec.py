"""Bodies: whitespace-free JSON, compressed. A codec is a row of the database: its number stands beside each body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import zstandard

from kangshu.store.connections import Connection

PLAIN: Final = 0
_LEVEL: Final = 3
_DICTIONARY_BYTES: Final = 64 * 1024


class Codec:
    """The codecs of one database. `current` is what new bodies are written with."""

    def __init__(self) -> None:
        self.current = PLAIN
        self._compressors = {PLAIN: zstandard.ZstdCompressor(level=_LEVEL)}
        self._decompressors = {PLAIN: zstandard.ZstdDecompressor()}
        self.dictionary = b""
        """That of the current codec."""

    def add(self, codec: int, dictionary: bytes) -> None:
        """Know one more codec, and write with it when it is the newest."""
        trained = zstandard.ZstdCompressionDict(dictionary)
        self._compressors[codec] = zstandard.ZstdCompressor(level=_LEVEL, dict_data=trained)
        self._decompressors[codec] = zstandard.ZstdDecompressor(dict_data=trained)
        if codec > self.current:
            self.current, self.dictionary = codec, dictionary

    async def load(self, connection: Connection) -> None:
        """Know every codec of the database."""
        for row in await connection.fetch("select codec, dictionary from codec order by codec"):
            if row["codec"] not in self._compressors:
                self.add(row["codec"], row["dictionary"])

    async def train(self, connection: Connection, bodies: list[bytes]) -> bool:
        """Add a codec whose dictionary knows `bodies`, when this database has none; return whether it was added.

        `connection` must be in a transaction.
        """
        await connection.execute("select pg_advisory_xact_lock(7301, 3)")
        await self.load(connection)
        dictionary = trained(bodies) if self.current == PLAIN else b""
        if not dictionary:
            return False
        await connection.execute(
            "insert into codec (codec, name, dictionary) values ($1, 'zstd', $2)", PLAIN + 1, dictionary
        )
        return True

    def pack(self, body: bytes) -> bytes:
        """Return `body` compressed with the current codec."""
        return self._compressors[self.current].compress(body)

    def unpack(self, codec: int, packed: bytes) -> bytes:
        """Return the body that `packed` holds."""
        return self._decompressors[codec].decompress(packed)

    def knows(self, codec: int) -> bool:
        """Return whether bodies of `codec` can be read; another process may have trained one since."""
        return codec in self._decompressors


def trained(bodies: Sequence[bytes]) -> bytes:
    """Return a dictionary for bodies like these; empty when they are too few to learn from."""
    try:
        return zstandard.train_dictionary(_DICTIONARY_BYTES, [*bodies]).as_bytes()
    except zstandard.ZstdError:
        return b""
