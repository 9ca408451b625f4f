"""The data of `inv dev`: in files, so that they are still there after the next edit."""

import os
from urllib.parse import quote

from . import secret_files
from .run import ROOT

FOLDER = ROOT / "data"
DATABASE = FOLDER / "dev.db"
DATABASE_URL = f"sqlite://{quote(str(DATABASE))}"


def environment() -> dict[str, str]:
    """Return the shell's variables with this data in the place of others', which may be a team's."""
    own = {"DATABASE_URL": DATABASE_URL, "UPLOADS_DIR": str(FOLDER / "uploads")}
    # What is a secret of the stack leads to a server, and here is none.
    others = {"DATABASE_URL", *(name.upper() for name in secret_files.wanted())}
    return {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in others} | own
