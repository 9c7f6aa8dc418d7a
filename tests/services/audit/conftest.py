"""A key file's key, as a person would type it."""

import base64
from pathlib import Path

import pytest


@pytest.fixture
def key_file_text(key_file: Path) -> str:
    """The key in base64."""
    data = key_file.read_bytes().strip()
    return data.decode() if len(data) > 32 else base64.b64encode(data).decode()
