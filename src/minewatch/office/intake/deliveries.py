"""The files of deliveries: kept under their SHA-256 in the office's folder while one waits."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from minewatch.office.home import home
from minewatch.office.intake.models import Delivery
from minewatch.office.intake.parcels import Parcel, opened
from minewatch.office.platform.refusals import Refused

_FOLDER = "deliveries"


def keep(content: bytes, sha256: str) -> None:
    """Keep the bytes of a parcel; they appear whole or not at all."""
    path = place_of(sha256)
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{sha256}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def kept(delivery: Delivery) -> Parcel:
    """Return the parcel of a delivery. Raises Refused where its file is gone or another."""
    try:
        content = place_of(delivery.sha256).read_bytes()
    except FileNotFoundError as error:
        raise Refused("parcel_lost") from error
    if hashlib.sha256(content).hexdigest() != delivery.sha256:
        raise Refused("parcel_lost")
    return opened(content, delivery.name)


def drop(sha256: str) -> None:
    """Remove the file of a parcel unless one of its deliveries waits for it."""
    if not Delivery._base_manager.filter(sha256=sha256, state=Delivery.State.WAITING).exists():
        with suppress(FileNotFoundError):
            place_of(sha256).unlink()


def place_of(sha256: str) -> Path:
    """Return where the file of a parcel is kept."""
    return home().folder / _FOLDER / f"{sha256}.parcel"
