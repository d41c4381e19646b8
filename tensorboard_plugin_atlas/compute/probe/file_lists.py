# SPDX-License-Identifier: Apache-2.0
"""Lists of files in folders, zip files and tar files, which any process can read by their index."""

from __future__ import annotations

import os
import struct
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.errors import ArgumentError

_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
"""Header before the data of a file in a zip: signature, and the lengths of name and extra field."""
_SIGNATURE: Final = b"PK\x03\x04"


class FileList(ABC):
    """Files with names.

    Attributes:
        names: Path of each file below the folder, or inside its archive.
    """

    names: list[str]

    @abstractmethod
    def read(self, index: int) -> bytes:
        """Returns the contents of a file.

        Raises:
            OSError: if it cannot be read.
            ValueError: if it is damaged.
        """

    def get_stem(self, index: int) -> tuple[int, str]:
        """Returns what a file shares with its label: the archive, and the path without suffix."""
        return self._get_archive(index), os.path.splitext(self.names[index])[0]  # noqa: PTH122

    def _get_archive(self, index: int) -> int:
        return 0


@dataclass(frozen=True, eq=False)
class FolderFiles(FileList):
    """All files in a folder, at any depth, sorted by path.

    Attributes:
        root: The folder.
        names: Paths below it, with "/".
    """

    root: str
    names: list[str]

    def read(self, index: int) -> bytes:
        """Returns the contents of a file."""
        return Path(self.root, self.names[index]).read_bytes()


@dataclass(frozen=True, eq=False)
class ArchiveFiles(FileList):
    """Files in zip or tar files, read at their offsets, so that no archive stays open.

    Attributes:
        archives: Paths of the archives.
        names: Path of each file inside its archive.
        archive_of: (n,) int32: index of its archive.
        offsets: (n,) int64: offset of its data in a tar, of its header in a zip.
        sizes: (n,) int64: bytes of its data as stored.
        checksums: (n,) int64: CRC-32 of its contents, -1 in a tar.
        is_deflated: (n,) bool: whether its data is compressed.
    """

    archives: list[str]
    names: list[str]
    archive_of: NDArray[np.int32]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    checksums: NDArray[np.int64]
    is_deflated: NDArray[np.bool_]

    def read(self, index: int) -> bytes:
        """Returns the contents of a file."""
        offset, size = int(self.offsets[index]), int(self.sizes[index])
        checksum = int(self.checksums[index])
        with Path(self.archives[self.archive_of[index]]).open("rb") as file:
            file.seek(offset)
            if checksum >= 0:
                _skip_header(file)
            data = file.read(size)
        if len(data) < size:
            raise ValueError("the archive ends inside it")
        if self.is_deflated[index]:
            data = zlib.decompress(data, -zlib.MAX_WBITS)
        if checksum >= 0 and zlib.crc32(data) != checksum:
            raise ValueError("its checksum is wrong")
        return data

    def _get_archive(self, index: int) -> int:
        return int(self.archive_of[index])


@dataclass(frozen=True)
class _Member:
    """A file in an archive; the attributes are those of `ArchiveFiles`."""

    name: str
    archive: int
    offset: int
    size: int
    checksum: int = -1
    is_deflated: bool = False


def list_folder(root: Path) -> FolderFiles:
    """Lists all files in a folder, at any depth."""
    found = [
        os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118 - a path takes 10x as long
        for folder, _, names in os.walk(root)
        for name in names
    ]
    return FolderFiles(str(root), sorted(name.replace(os.sep, "/") for name in found))


def list_archives(paths: Sequence[Path]) -> ArchiveFiles:
    """Lists the files in zip or tar files: zip files sorted by name, tar files in their order.

    Raises:
        ArgumentError: if one of them is neither, or is compressed in a way that cannot be indexed.
    """
    members = [one for number, path in enumerate(paths) for one in _list_archive(path, number)]
    return ArchiveFiles(
        archives=[str(path) for path in paths],
        names=[one.name for one in members],
        archive_of=np.array([one.archive for one in members], np.int32),
        offsets=np.array([one.offset for one in members], np.int64),
        sizes=np.array([one.size for one in members], np.int64),
        checksums=np.array([one.checksum for one in members], np.int64),
        is_deflated=np.array([one.is_deflated for one in members], np.bool_),
    )


def _list_archive(path: Path, number: int) -> Iterator[_Member]:
    try:
        if zipfile.is_zipfile(path):
            yield from _list_zip(path, number)
        else:
            yield from _list_tar(path, number)
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise ArgumentError(
            f"ImageFiles: {str(path)!r} is not a zip file or an uncompressed tar file ({error}); "
            "decompress .tar.gz files first"
        ) from error
    except OSError as error:
        raise ArgumentError(
            f"ImageFiles: {str(path)!r} cannot be read ({error.strerror or error})"
        ) from error


def _list_zip(path: Path, number: int) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            if info.is_dir():
                continue
            if info.flag_bits & 1 or info.compress_type not in (
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
            ):
                raise zipfile.BadZipFile(f"{info.filename} is encrypted, or not stored or deflated")
            yield _Member(
                info.filename,
                number,
                info.header_offset,
                info.compress_size,
                info.CRC,
                info.compress_type == zipfile.ZIP_DEFLATED,
            )


def _list_tar(path: Path, number: int) -> Iterator[_Member]:
    with tarfile.open(path, "r:") as archive:
        while (member := archive.next()) is not None:
            if member.isreg() and not member.issparse():
                yield _Member(member.name, number, member.offset_data, member.size)
            archive.members = []  # type: ignore[attr-defined]  # it keeps all headers otherwise


def _skip_header(file: BinaryIO) -> None:
    """Moves from the header of a file in a zip to its data."""
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise ValueError("the archive ends before it")
    signature, name, extra = _LOCAL_HEADER.unpack(header)
    if signature != _SIGNATURE:
        raise ValueError("its header in the archive is damaged")
    file.seek(name + extra, os.SEEK_CUR)
