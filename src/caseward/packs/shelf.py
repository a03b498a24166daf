"""A pack's files as one value, and back: read from a folder, laid out for a release, and verified before they are used.

Releases come from the database. Their files are laid out in a folder each, because the loader reads folders; a folder
whose content is not the release's to the letter is laid out anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from caseward.core.errors import PackError
from caseward.core.pack import Pack
from caseward.core.release import Files, digest
from caseward.packs.load import FILES, FOLDERS, load
from caseward.packs.yamlfile import content

MANY = 20_000
"""More files than a pack has; a folder that holds more is not one."""


def snapshot(folder: Path) -> Files:
    """Return the files of the pack in `folder` that count, by path; raise PackError for one that cannot be kept."""
    paths = [folder / name for name in FILES if (folder / name).is_file()]
    paths += [path for name in FOLDERS for path in sorted((folder / name).glob("*.yaml"))]
    if len(paths) > MANY:
        raise PackError(f"{len(paths)} files are too many", file=str(folder), fix=f"keep a pack under {MANY} files")
    return {path.relative_to(folder).as_posix(): _text(path, folder) for path in paths}


def _text(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix()
    try:
        return content(path, name).decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise PackError("not UTF-8", file=name, line=line, fix="save the file as UTF-8") from None


@contextlib.contextmanager
def laid_out(files: Files, *, name: str = "pack") -> Iterator[Path]:
    """Lay files out in a folder of that name, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="caseward-pack-") as scratch:
        folder = Path(scratch) / name
        _write(files, folder)
        yield folder


def take(shelf: Path, release: str, expected: str, files: Callable[[], Files]) -> Pack:
    """Return the pack of a release, laid out in the folder of its name on the shelf, and bearing that name.

    Args:
        shelf: folder that holds the releases' folders; made when missing.
        release: its id, which is also what the pack says of itself from here on, whatever its file says.
        expected: digest of its files.
        files: returns them, asked only when the folder is missing or altered.

    Any number of processes may do this at once.
    """
    folder = shelf / release
    shelf.mkdir(parents=True, exist_ok=True)
    with _locked(shelf):
        if _found(folder) != expected:
            _replace(folder, files())
    return named(load(folder), release)


def named(pack: Pack, release: str) -> Pack:
    """Return the pack as that release of it."""
    return replace(pack, profile=replace(pack.profile, release=release), policy=replace(pack.policy, release=release))


def _found(folder: Path) -> str:
    """Return the digest of everything in a folder, or nothing when it cannot be a release's."""
    if not folder.is_dir():
        return ""
    try:
        paths = [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
        return digest({path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8") for path in paths})
    except (OSError, UnicodeDecodeError):
        return ""


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from laying out on this shelf: one that has found its files may go on reading them."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which gives the lock back, as the end of a killed process does


def _replace(folder: Path, files: Files) -> None:
    with tempfile.TemporaryDirectory(
        prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True
    ) as scratch:
        _write(files, Path(scratch) / "new")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(Path(scratch) / "old")
        (Path(scratch) / "new").rename(folder)


def _write(files: Files, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        path = folder / name
        if not _is_inside(path, folder):
            raise PackError("a pack's files lie inside its folder", file=name, fix="mend the path")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())


def _is_inside(path: Path, folder: Path) -> bool:
    return os.path.normpath(path).startswith(f"{os.path.normpath(folder)}{os.sep}")
