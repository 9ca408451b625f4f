"""The data of `inv dev`: in files, so that they are still there after the next edit."""

from .run import ROOT

FOLDER = ROOT / "data"
DATABASE = FOLDER / "dev.db"
DATABASE_URL = f"sqlite://{DATABASE}"
