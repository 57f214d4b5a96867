"""A filter in tcpdump's language as a program for the kernel, compiled by tcpdump itself (libpcap)."""

import shutil
import subprocess

from minewatch.schema.reasons import reason
from minewatch.sources.captures.live import Instruction, LiveError

_PATIENCE_S = 10


def packet_filter(interface: str, expression: str, snaplen: int) -> tuple[Instruction, ...]:
    """Return ``expression`` as a classic BPF program for ``interface`` that keeps ``snaplen`` bytes a packet.

    Takes the rights that listening takes. Raises LiveError where tcpdump is missing or does not understand.
    """
    tcpdump = shutil.which("tcpdump", path="/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin:/usr/local/sbin")
    if tcpdump is None:
        raise LiveError(reason("filter_needs_tcpdump"))
    words = [tcpdump, "-i", interface, "-s", str(snaplen), "-ddd", "--", expression]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)  # noqa: S603
    if done.returncode:
        error = " ".join(done.stderr.split())
        raise LiveError(reason("filter_unknown", filter=expression, error=error))
    lines = [tuple(map(int, line.split())) for line in done.stdout.splitlines()[1:]]
    return tuple((code, true, false, constant) for code, true, false, constant in lines)
