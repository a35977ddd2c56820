"""Secrets of a deployment: made once, kept in files that nobody but their owner can read."""

import os
import secrets
import shutil
from pathlib import Path

_BYTES = 24


def secret(folder: Path, name: str) -> str:
    """The secret of that name, which is made where there is none."""
    file = folder / name
    if not file.is_file():
        private_file(file, secrets.token_urlsafe(_BYTES))
    return file.read_text()


def private_file(file: Path, text: str, account: str | None = None) -> None:
    """Write a file as a whole, which from the first is its owner's alone."""
    staged = file.with_name(f".{file.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    staged.touch(0o600, exist_ok=False)
    staged.write_text(text, encoding="utf-8")
    if account:
        shutil.chown(staged, account, account)
    staged.replace(file)


def private_folder(folder: Path, account: str | None = None, *, mode: int = 0o700) -> Path:
    """The folder, made where it is not there, with its owner and mode."""
    folder.mkdir(parents=True, exist_ok=True)
    if account:
        shutil.chown(folder, account, account)
    folder.chmod(mode)
    return folder
