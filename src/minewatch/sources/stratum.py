"""Mining dialects in JSON messages: who says what, and the facts in it.

Read: Stratum v1 (also ZCash's ``set_target`` form), NiceHash EthereumStratum/1.0.0, Ethereum
``eth_submitLogin`` and ``eth_getWork`` (over TCP or HTTP), Monero ``login``/``job``/``submit``, HTTP
``getwork`` and ``getblocktemplate``. A message is told by its method and the form of its parameters, whatever
the spacing or the order of keys.

Sources: https://en.bitcoin.it/wiki/Stratum_mining_protocol, ZIP 301, NiceHash EthereumStratum/1.0.0 draft,
https://github.com/xmrig/xmrig/blob/master/doc/STRATUM.md, https://en.bitcoin.it/wiki/Getwork, BIP 22.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from minewatch.sources.coins import algorithm_of_blob, coin_of_bits, coin_of_name
from minewatch.sources.mining_facts import MiningFacts, Pending

_MERGE_US = 1_663_224_162_000_000
"""Ethereum left proof of work on 2022-09-15 06:42:42 UTC; its dialect since means Ethereum Classic."""

_HEX64 = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_ETH_USER = re.compile(r"(0x[0-9a-fA-F]{40})(?:[./]([^/]*))?.*")
_MONERO_WALLET = re.compile(r"[1-9A-HJ-NP-Za-km-z]{90,110}")


class Message(NamedTuple):
    """A JSON object with who sent it (``reverse``) and when (``at``, microseconds since 1970)."""

    value: Mapping[str, Any]
    text: str
    reverse: bool
    at: int

    @property
    def params(self) -> Sequence[Any]:
        """The parameters where they are a list, else an empty one."""
        params = self.value.get("params")
        return params if isinstance(params, list) else ()

    @property
    def named(self) -> Mapping[str, Any]:
        """The parameters where they are an object, else an empty one."""
        params = self.value.get("params")
        return params if isinstance(params, dict) else {}

    def string(self, position: int) -> str:
        """Return the parameter at ``position`` where it is text, else an empty one."""
        params = self.params
        value = params[position] if position < len(params) else None
        return value if isinstance(value, str) else ""


class Conversation:
    """Reads the messages of one connection; ``facts`` holds what they told so far."""

    def __init__(self) -> None:
        self.facts = MiningFacts()
        self.pending = Pending()
        self.messages = 0
        self.over_http = False

    def hear(self, value: Any, text: str, reverse: bool, at: int) -> None:
        """Take one JSON value sent at ``at`` by the source (``reverse`` False) or the destination."""
        if isinstance(value, list):
            for item in value[:64]:
                self.hear(item, text, reverse, at)
        elif isinstance(value, dict):
            self.messages += 1
            self._take(Message(value, text, reverse, at))

    def hear_line(self, line: str, reverse: bool) -> None:
        """Take a line that is no JSON: of HTTP, the headers name host and agent."""
        if line.startswith(("POST ", "HTTP/1.")):
            self.over_http = True
        key, _, content = line.partition(":")
        if key.lower() == "host":
            self.facts.note_pool(content.strip().partition(":")[0])
        elif key.lower() == "user-agent" and not reverse:
            self.facts.agent = self.facts.agent or content.strip()[:200]

    def _take(self, message: Message) -> None:
        method = message.value.get("method")
        if not isinstance(method, str):
            self._take_answer(message)
            return
        handler = _CLIENT.get(method)
        if handler is not None and handler(self, message):
            self._note_side(message, message.reverse, method)
            return
        handler = _POOL.get(method)
        if handler is not None and handler(self, message):
            self._note_side(message, not message.reverse, method)

    def _note_side(self, message: Message, client_is_reverse: bool, kind: str) -> None:
        if self.facts.client_is_reverse is None:
            self.facts.client_is_reverse = client_is_reverse
        self.facts.note_line(kind, message.text)

    def _take_answer(self, message: Message) -> None:
        if "result" not in message.value and "error" not in message.value:
            return
        asked = self.pending.take(message.reverse, message.value.get("id"))
        result = message.value.get("result")
        kind, unit = asked or ("", None)
        if kind == "share":
            accepted = _is_yes(message.value)
            self.facts.note_answer(accepted, unit)
            self.facts.note_line("accepted" if accepted else "rejected", message.text)
        elif kind in ("authorize", "login"):
            self._take_admission(message)
        if isinstance(result, list) and _is_eth_work(self.facts, result):
            _eth_work(self.facts, result, message.at)
            self.facts.note_line("work", message.text)
        elif isinstance(result, dict):
            self._take_result(kind, result, message)

    def _take_admission(self, message: Message) -> None:
        if _is_yes(message.value):
            self.facts.identified = True
        else:
            self.facts.refused = not self.facts.identified
        if not isinstance(message.value.get("result"), dict):
            self.facts.note_line("admission", message.text)

    def _take_result(self, kind: str, result: Mapping[str, Any], message: Message) -> None:
        job = result.get("job")
        if isinstance(job, dict) and _monero_job(self.facts, job, message.at):
            self._note_side(message, not message.reverse, "login result")
        elif kind == "getwork" and _is_hex(result.get("data"), 128):
            self.facts.note_difficulty(message.at, _units(str(result.get("target", "")), little=True))
            self.facts.note_coin(*coin_of_bits(_bits_of_header(str(result["data"]))))
            self.facts.note_job(message.at, "getwork", str(result["data"]))
            self.facts.note_line("work", message.text)
        elif kind == "getblocktemplate" and "previousblockhash" in result:
            self.facts.note_coin(*coin_of_bits(str(result.get("bits", ""))))
            self.facts.note_difficulty(message.at, _units(str(result.get("target", ""))))
            self.facts.note_job(message.at, "getblocktemplate", str(result["previousblockhash"]))
            self.facts.note_line("work", message.text)


# --- what the miner says -------------------------------------------------------------------------------


def _subscribe(talk: Conversation, message: Message) -> bool:
    _set_dialect(talk, "stratum_v1")
    agent = message.string(0)
    talk.facts.agent = talk.facts.agent or (agent[:200] or None)
    if message.string(1).lower().startswith("ethereumstratum"):
        talk.facts.dialect = "ethereum_nicehash"
        talk.facts.note_coin(None, "Ethash")
    host = message.string(2)
    if "." in host:
        talk.facts.note_pool(host.rpartition("/")[2].partition(":")[0])
    return True


def _authorize(talk: Conversation, message: Message) -> bool:
    if not message.string(0):
        return False
    _set_dialect(talk, "stratum_v1")
    talk.facts.note_user(*split_user(message.string(0)))
    talk.pending.add(message.reverse, message.value.get("id"), "authorize")
    return True


def _stratum_submit(talk: Conversation, message: Message) -> bool:
    if len(message.params) < 3 or not message.string(0):
        return False
    _set_dialect(talk, "stratum_v1")
    if len(message.string(4)) > 100:
        talk.facts.note_coin(None, "Equihash")
    account, worker = split_user(message.string(0))
    talk.facts.note_user(account, None)
    unit = talk.facts.note_share(worker or account, message.string(1))
    talk.pending.add(message.reverse, message.value.get("id"), "share", unit)
    return True


def _stratum_setting(talk: Conversation, message: Message) -> bool:
    _ = message
    _set_dialect(talk, "stratum_v1")
    return True


def _eth_login(talk: Conversation, message: Message) -> bool:
    if not message.string(0):
        return False
    _set_dialect(talk, "ethereum_stratum")
    talk.facts.note_user(*split_user(message.string(0)))
    named = message.value.get("worker")
    if isinstance(named, str) and named:
        talk.facts.workers.setdefault(named, 0)
    talk.pending.add(message.reverse, message.value.get("id"), "login")
    return True


def _eth_get_work(talk: Conversation, message: Message) -> bool:
    _ = message
    _set_dialect(talk, "ethereum_getwork" if talk.over_http else "ethereum_stratum")
    return True


def _eth_submit_work(talk: Conversation, message: Message) -> bool:
    if len(message.params) < 3 or not _HEX64.fullmatch(message.string(1)):
        return False
    _eth_get_work(talk, message)
    worker = message.value.get("worker")
    unit = talk.facts.note_share(worker if isinstance(worker, str) else None, message.string(1))
    talk.pending.add(message.reverse, message.value.get("id"), "share", unit)
    return True


def _eth_hash_rate(talk: Conversation, message: Message) -> bool:
    try:
        rate = float(int(message.string(0), 16))
    except ValueError:
        return False
    _eth_get_work(talk, message)
    if 0 < rate < 1e18:
        talk.facts.reported_hash_rate = max(rate, talk.facts.reported_hash_rate or 0.0)
    return True


def _monero_login(talk: Conversation, message: Message) -> bool:
    login, agent = message.named.get("login"), message.named.get("agent")
    if not isinstance(login, str) or not ("pass" in message.named or isinstance(agent, str)):
        return False
    account, worker = split_user(login)
    has_miner_form = _MONERO_WALLET.fullmatch(account) or "algo" in message.named or "rigid" in message.named
    if not has_miner_form and not (isinstance(agent, str) and re.search(r"(?i)xmr|cpuminer|miner", agent)):
        # a login like any other; only work in the answer makes it mining
        talk.pending.add(message.reverse, message.value.get("id"), "login?")
        return False
    _set_dialect(talk, "monero_login")
    talk.facts.agent = talk.facts.agent or (agent[:200] if isinstance(agent, str) else None)
    rig = message.named.get("rigid")
    talk.facts.note_user(account, worker or (rig if isinstance(rig, str) else None))
    talk.pending.add(message.reverse, message.value.get("id"), "login")
    return True


def _monero_submit(talk: Conversation, message: Message) -> bool:
    if not {"job_id", "nonce", "result"} <= message.named.keys():
        return False
    _set_dialect(talk, "monero_login")
    worker = next(iter(talk.facts.workers), None) or next(iter(talk.facts.accounts), None)
    unit = talk.facts.note_share(worker, str(message.named["job_id"]))
    talk.pending.add(message.reverse, message.value.get("id"), "share", unit)
    return True


def _monero_keepalive(talk: Conversation, message: Message) -> bool:
    talk.pending.add(message.reverse, message.value.get("id"), "keepalive")
    return talk.facts.dialect == "monero_login"


def _getwork(talk: Conversation, message: Message) -> bool:
    _set_dialect(talk, "http_getwork")
    if _is_hex(message.string(0), 128):
        talk.facts.note_coin(*coin_of_bits(_bits_of_header(message.string(0))))
        unit = talk.facts.note_share(None, "getwork")
        talk.pending.add(message.reverse, message.value.get("id"), "share", unit)
    else:
        talk.pending.add(message.reverse, message.value.get("id"), "getwork")
    return True


def _getblocktemplate(talk: Conversation, message: Message) -> bool:
    _set_dialect(talk, "http_getblocktemplate")
    talk.pending.add(message.reverse, message.value.get("id"), "getblocktemplate")
    return True


def _submitblock(talk: Conversation, message: Message) -> bool:
    if not _is_hex(message.string(0), 160):
        return False
    _set_dialect(talk, "http_getblocktemplate")
    unit = talk.facts.note_share(None, "getblocktemplate")
    talk.pending.add(message.reverse, message.value.get("id"), "share", unit)
    return True


# --- what the pool says --------------------------------------------------------------------------------


def _notify(talk: Conversation, message: Message) -> bool:
    if len(message.params) < 2:
        return False
    _set_dialect(talk, "stratum_v1")
    if len(message.params) == 9:
        talk.facts.note_coin(*coin_of_bits(message.string(6)))
    elif len(message.params) == 8 and _HEX64.fullmatch(message.string(4)):
        talk.facts.note_coin("ZEC", "Equihash")
    elif talk.facts.dialect == "ethereum_nicehash":
        talk.facts.note_coin(None, "Ethash")
    elif isinstance(message.params[1], list) and len(message.params[1]) == 4:
        talk.facts.note_coin("KAS", "kHeavyHash")
    talk.facts.note_job(message.at, message.string(0))
    return True


def _set_difficulty(talk: Conversation, message: Message) -> bool:
    value = message.params[0] if message.params else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    _set_dialect(talk, "stratum_v1")
    talk.facts.note_difficulty(message.at, float(value))
    return True


def _set_target(talk: Conversation, message: Message) -> bool:
    if not _HEX64.fullmatch(message.string(0)):
        return False
    _set_dialect(talk, "stratum_v1")
    talk.facts.note_coin(None, "Equihash")
    talk.facts.note_difficulty(message.at, _units(message.string(0)))
    return True


def _job(talk: Conversation, message: Message) -> bool:
    return _monero_job(talk.facts, message.named, message.at)


_Handler = Callable[[Conversation, Message], bool]

_CLIENT: Mapping[str, _Handler] = {
    "mining.subscribe": _subscribe,
    "mining.authorize": _authorize,
    "mining.submit": _stratum_submit,
    "mining.configure": _stratum_setting,
    "mining.extranonce.subscribe": _stratum_setting,
    "mining.suggest_difficulty": _stratum_setting,
    "eth_submitLogin": _eth_login,
    "eth_login": _eth_login,
    "eth_getWork": _eth_get_work,
    "eth_submitWork": _eth_submit_work,
    "eth_submitHashrate": _eth_hash_rate,
    "login": _monero_login,
    "submit": _monero_submit,
    "keepalived": _monero_keepalive,
    "getwork": _getwork,
    "getblocktemplate": _getblocktemplate,
    "submitblock": _submitblock,
}

_POOL: Mapping[str, _Handler] = {
    "mining.notify": _notify,
    "mining.set_difficulty": _set_difficulty,
    "mining.set_target": _set_target,
    "mining.set_extranonce": _stratum_setting,
    "job": _job,
}


def split_user(user: str) -> tuple[str, str | None]:
    """Split ``wallet.worker``, ``0x…/worker/mail`` or ``wallet+diff.worker`` into account and worker."""
    if match := _ETH_USER.fullmatch(user):
        return match[1], match[2] or None
    head, _, rest = user.partition(".")
    account = head.partition("+")[0]
    # between a Monero wallet and its worker a payment id of 64 digits may stand
    words = [word for word in rest.split(".") if word and not _HEX64.fullmatch(word)]
    return account, ".".join(words) or None


def _set_dialect(talk: Conversation, dialect: str) -> None:
    if talk.facts.dialect is None:
        talk.facts.dialect = dialect
        if dialect.startswith("ethereum"):
            talk.facts.note_coin(None, "Ethash")
        if talk.facts.pool_name:
            talk.facts.note_coin(coin_of_name(talk.facts.pool_name))


def _monero_job(facts: MiningFacts, job: Mapping[str, Any], at: int) -> bool:
    blob, target, number = job.get("blob"), job.get("target"), job.get("job_id")
    if not _is_hex(blob, 80) or not isinstance(target, str) or number is None:
        return False
    facts.dialect = facts.dialect or "monero_login"
    facts.note_coin("XMR" if facts.coin is None else None, algorithm_of_blob(str(blob)))
    facts.note_difficulty(at, _units(target, little=True))
    facts.note_job(at, str(number))
    return True


def _eth_work(facts: MiningFacts, work: Sequence[str], at: int) -> None:
    facts.note_coin("ETH" if at < _MERGE_US else "ETC", "Ethash")
    facts.note_difficulty(at, _units(work[2]))
    facts.note_job(at, work[0], work[0])


def _is_eth_work(facts: MiningFacts, result: Sequence[Any]) -> bool:
    return (
        facts.dialect in ("ethereum_stratum", "ethereum_getwork")
        and len(result) >= 3
        and all(isinstance(part, str) and _HEX64.fullmatch(part) for part in result[:3])
    )


def _is_yes(answer: Mapping[str, Any]) -> bool:
    result = answer.get("result")
    if isinstance(result, dict):
        result = result.get("status", "OK") == "OK"
    return bool(result) and not answer.get("error")


def _is_hex(value: Any, least: int) -> bool:
    return isinstance(value, str) and len(value) >= least and re.fullmatch(r"[0-9a-fA-F]+", value) is not None


def _units(target: str, little: bool = False) -> float:
    """Return 2^bits / target: how many hashes a share takes on average; 0 where the target is odd."""
    text = target.removeprefix("0x")
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return 0.0
    number = int.from_bytes(raw, "little" if little else "big")
    return 2.0 ** (8 * len(raw)) / number if number else 0.0


def _bits_of_header(data: str) -> str:
    """Return the compact target in a getwork header, which holds 32-bit words with their bytes swapped."""
    return data[144:152]
