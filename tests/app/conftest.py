"""Installations of their own for the tests of the command line: each in its folder, on its port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .product import Product, remove

Start = Callable[..., Product]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the product in the background; all of it is gone after the test."""
    started: list[Product] = []

    def begin(folder: Path, command: str, *options: str, **more: object) -> Product:
        started.append(Product(folder, command, *options, **more))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for one in started:
        one.clean()


@pytest.fixture(autouse=True)
def _tidy(tmp_path: Path) -> Iterator[None]:
    """Remove what a test's installations leave: servers, and clusters outside their folders."""
    yield
    for folder in tmp_path.iterdir():
        if folder.is_dir():
            remove(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An empty installation that serves, one for a module."""
    folder = tmp_path_factory.mktemp("served") / "data"
    product = Product(folder, "serve").serving()
    yield product
    product.clean()
    remove(folder)
