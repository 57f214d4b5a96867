"""A service among others: what systemd is told, and rights that are given back.

Sources: systemd, sd_notify(3); Linux, capabilities(7), prctl(2).
"""

import ctypes
import os
import pwd
import socket
import struct
from contextlib import suppress
from pathlib import Path

_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4


class Notifier:
    """Tells the service manager how it goes, where there is one (``address``: its NOTIFY_SOCKET)."""

    def __init__(self, address: str | None) -> None:
        self._address = address.replace("@", "\0", 1) if address and address[0] in "/@" else None

    def tell(self, **state: str) -> None:
        """Send ``state`` as upper-case variables, such as ``ready="1"``."""
        if self._address is None:
            return
        text = "\n".join(f"{name.upper()}={value}" for name, value in state.items())
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(text.encode(), self._address)


def drop_rights(folder: Path, user: str | None) -> None:
    """Give back every right that was for opening the interface, for good.

    As root, become ``user`` (None: the owner of ``folder``). Capabilities go in any case, and cannot come
    back. Raises KeyError for an unknown user, OSError.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        _become(folder, user)
    library.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITY_VERSION_3, 0))
    if library.capset(header, bytes(24)):
        raise OSError(ctypes.get_errno(), "capabilities could not be given back")
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _become(folder: Path, user: str | None) -> None:
    status = folder.stat()
    uid, gid = status.st_uid, status.st_gid
    if user is not None:
        entry = pwd.getpwnam(user)
        uid, gid = entry.pw_uid, entry.pw_gid
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
