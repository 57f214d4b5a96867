"""What the heads of HTTP tell of a miner: pool by Host, software, and who works, before the message is read.

Who works stands in ``Authorization: Basic`` (getwork, getblocktemplate) or in the path (``/wallet/worker``,
Ethereum's getwork). It is kept until the body has told that this is mining. Sources: RFC 9110, RFC 7617,
https://en.bitcoin.it/wiki/Getwork (X-Mining-Hashrate), ethminer's addresses.
"""

import base64
import binascii
import re

from minewatch.sources.talk.dialects.messages import split_user
from minewatch.sources.talk.dialects.talk import Talk

_LONGEST = 1024
_PATH = re.compile(r"POST /(0x[0-9a-fA-F]{40})(?:[/.]([\w.-]{1,64}))?(?:/\S*)? HTTP/1")
_COOKIE = "__cookie__"
"""User of a node's own password file (bitcoin-cli): nobody's account."""


def take_line(talk: Talk, line: str, by_client: bool) -> None:
    """Take a line of a head."""
    if line.startswith(("POST ", "HTTP/1.")):
        talk.over_http = True
        path = _PATH.match(line[:_LONGEST])
        talk.requester = (path[1], path[2]) if path else None
    name, _, content = line[:_LONGEST].partition(":")
    reader = _FIELDS.get(name.lower())
    if reader is not None and by_client:
        reader(talk, content.strip())


def _host(talk: Talk, content: str) -> None:
    talk.facts.note_pool(content.partition(":")[0])


def _agent(talk: Talk, content: str) -> None:
    talk.facts.note_agent(content)


def _authorization(talk: Talk, content: str) -> None:
    scheme, _, secret = content.partition(" ")
    try:
        user = base64.b64decode(secret, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return
    if scheme.lower() == "basic" and user and user != _COOKIE:
        talk.requester = split_user(user)


def _hash_rate(talk: Talk, content: str) -> None:
    if content.isdecimal():
        talk.facts.note_hash_rate("http", float(content[:30]))


_FIELDS = {
    "host": _host,
    "user-agent": _agent,
    "authorization": _authorization,
    "x-mining-hashrate": _hash_rate,
}
