"""Bodies: whitespace-free JSON, compressed. A codec is a row of the database: its number stands beside each body."""

from __future__ import annotations

from functools import cache
from typing import Final

import zstandard

from kangshu.store.connections import Connection

PLAIN: Final = 0
_LEVEL: Final = 3


class Codec:
    """The codecs of one database. `current` is what new bodies are written with."""

    def __init__(self) -> None:
        self.current = PLAIN
        self._compressors = {PLAIN: zstandard.ZstdCompressor(level=_LEVEL)}
        self._decompressors = {PLAIN: zstandard.ZstdDecompressor()}

    def add(self, codec: int, dictionary: bytes) -> None:
        """Know one more codec, and write with it when it is the newest."""
        trained = zstandard.ZstdCompressionDict(dictionary)
        self._compressors[codec] = zstandard.ZstdCompressor(level=_LEVEL, dict_data=trained)
        self._decompressors[codec] = zstandard.ZstdDecompressor(dict_data=trained)
        self.current = max(self.current, codec)

    async def load(self, connection: Connection) -> None:
        """Know every codec of the database."""
        for row in await connection.fetch("select codec, dictionary from codec order by codec"):
            if row["codec"] not in self._compressors:
                self.add(row["codec"], row["dictionary"])

    def pack(self, body: bytes) -> bytes:
        """Return `body` compressed with the current codec."""
        return self._compressors[self.current].compress(body)

    def unpack(self, codec: int, packed: bytes) -> bytes:
        """Return the body that `packed` holds."""
        return self._decompressors[codec].decompress(packed)

    def knows(self, codec: int) -> bool:
        """Return whether bodies of `codec` can be read; another process may have trained one since."""
        return codec in self._decompressors


@cache
def plain() -> Codec:
    """Return the codec without dictionaries, for worker processes."""
    return Codec()
