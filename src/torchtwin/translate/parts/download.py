"""Files from the internet, kept where Keras keeps them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path


def download(origin, name=None, file_hash=None, folder="datasets", cache=None):
    """Return the path of a file in the cache, KERAS_HOME or ~/.keras; download what is not there.

    A download whose md5 or sha256 sum is not `file_hash` is refused.
    """
    home = Path(cache or os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    path = home / folder / (name or os.path.basename(urllib.parse.urlsplit(origin).path))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"Downloading {origin}", flush=True)
        partial = path.with_name(f"{path.name}.partial")
        urllib.request.urlretrieve(origin, partial)
        if file_hash is not None:
            kind = hashlib.sha256 if len(file_hash) == 64 else hashlib.md5
            if kind(partial.read_bytes()).hexdigest() != file_hash:
                raise ValueError(f"{origin} has changed: its check sum is not {file_hash}")
        os.replace(partial, path)
    return str(path)


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    extract=False,
    cache_dir=None,
):
    """Return the path of a file in the cache, or of what it is extracted to."""
    file_hash = file_hash or md5_hash
    if not (extract or untar):
        return download(origin, fname, file_hash, cache_subdir, cache_dir)
    name = fname or os.path.basename(urllib.parse.urlsplit(origin).path)
    if fname and "." in fname:  # as Keras names what it extracts
        archive, target = name, f"{name[: name.find('.')]}_extracted"
    else:
        archive, target = f"{name}_archive", name
    path = download(origin, archive, file_hash, cache_subdir, cache_dir)
    folder = Path(path).with_name(target)
    if not folder.exists():
        unpack(path, folder)
    return str(folder)


def unpack(path, folder):
    """Extract a tar or zip archive into a folder."""
    partial = f"{folder}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(partial, filter="data")
    else:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(partial)
    os.replace(partial, folder)
