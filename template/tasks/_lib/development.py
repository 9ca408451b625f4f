"""The data of `inv dev`: in files, so that they are still there after the next edit."""

import os

from .run import ROOT

FOLDER = ROOT / "data"
DATABASE = FOLDER / "dev.db"
DATABASE_URL = f"sqlite://{DATABASE}"


def environment() -> dict[str, str]:
    """Return the shell's variables with this data in the place of others', which may be a team's."""
    own = {"DATABASE_URL": DATABASE_URL, "UPLOADS_DIR": str(FOLDER / "uploads")}
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL_FILE"} | own
