"""Dialects message by message: what is told apart, whose share it is, what is no mining."""

import base64
import json
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minewatch.kernels.traffic.mining_words import MINING_SIGNS
from minewatch.schema.shares import has_convention, hashes_of_unit
from minewatch.sim.streams import stream
from minewatch.sim.wire.dialects import TONGUES, Session, Tongue, Worker, speak
from minewatch.sim.wire.jobs import account_of, draw_pool, job_times
from minewatch.sim.wire.packets import Message
from minewatch.sources.captures.mining_columns import mining_columns
from minewatch.sources.talk import stratum as conversations
from minewatch.sources.talk.dialects.messages import is_stale, split_user
from minewatch.sources.talk.dialects.stratum_v2 import Frames, begins
from minewatch.sources.talk.dialogue import Dialogue
from minewatch.sources.talk.mining_facts import MiningFacts
from minewatch.sources.talk.stratum import Conversation

START_US = 1_780_000_000_000_000
END_US = START_US + 120_000_000
HEX64 = "9e2fc768bd1977528c8d6096d46376758179e25bf3293428b65f120100000000"
NOTIFY = ["j1", HEX64, "01" * 40, "02" * 60, [HEX64], "20000000", "1702f128", "6650aabb", True]


class Talk:
    """Says messages a second apart: ``client`` and ``pool`` take JSON values."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.at = START_US

    def client(self, *values: Any) -> None:
        self._say(values, False)

    def pool(self, *values: Any) -> None:
        self._say(values, True)

    def _say(self, values: tuple[Any, ...], reverse: bool) -> None:
        for value in values:
            self.at += 1_000_000
            self.conversation.hear(value, json.dumps(value), reverse, self.at)

    @property
    def facts(self) -> MiningFacts:
        return self.conversation.facts

    def row(self) -> dict[str, Any]:
        return mining_columns(self.facts, (START_US, self.at))


def ask(number: int | None, method: str, *params: Any) -> dict[str, Any]:
    return {"id": number, "method": method, "params": list(params)}


def answer(number: int, result: Any, error: Any = None) -> dict[str, Any]:
    return {"id": number, "result": result, "error": error}


def stratum(difficulty: float = 1024.0) -> Talk:
    talk = Talk()
    talk.client(ask(1, "mining.subscribe", "bmminer/2.0.0"))
    talk.pool(answer(1, [[["mining.notify", "a"]], "08", 4]))
    talk.client(ask(2, "mining.authorize", "acc.w1", "x"))
    talk.pool(
        answer(2, True), ask(None, "mining.set_difficulty", difficulty), ask(None, "mining.notify", *NOTIFY)
    )
    return talk


def share(number: int, worker: str = "acc.w1", job: str = "j1") -> dict[str, Any]:
    return ask(number, "mining.submit", worker, job, "00", "66", "77")


def test_shares_of_several_workers_are_booked_to_them() -> None:
    talk = stratum()
    talk.client(ask(3, "mining.authorize", "acc.w2", "x"), share(4), share(5, "acc.w2"), share(6, "acc.w2"))
    talk.pool(answer(3, True), answer(6, True), answer(4, True), answer(5, None, [21, "Job not found", None]))
    rows = {each.pop("worker"): each for each in talk.row()["workers"]}
    one = {"submitted": 1, "accepted": 1, "rejected": 0, "stale": 0, "expected_hashes": 1024 * 2.0**32}
    two = {"submitted": 2, "rejected": 1, "stale": 1, "expected_hashes": 2 * 1024 * 2.0**32}
    assert rows == {"w1": one, "w2": one | two}  # a stale share took the same work
    assert talk.row()["machines"] == 2
    assert talk.row()["expected_hashes"] == 3 * 1024 * 2.0**32
    talk.client(share(7))
    talk.pool(answer(7, None, [23, "Low difficulty share", None]))
    assert talk.row()["expected_hashes"] == 3 * 1024 * 2.0**32


@pytest.mark.parametrize(
    ("error", "stale"),
    [
        ([21, "Job not found", None], True),
        ([21, "low difficulty", None], False),
        ([23, "Low difficulty share", None], False),
        ({"code": -1, "message": "Block expired"}, True),
        ({"code": -1, "message": "Invalid job id"}, True),
        ({"code": 21, "message": "stale"}, True),
        ([22, "Duplicate share", None], False),
        ("Stale share", True),
        ([], False),
        (None, False),
        (7, False),
    ],
)
def test_stale_is_told_from_other_refusals(error: Any, stale: bool) -> None:
    assert is_stale(error) is stale


def test_a_new_difficulty_holds_from_the_next_job() -> None:
    talk = stratum()
    talk.pool(ask(None, "mining.set_difficulty", 4096))
    talk.client(share(4))
    talk.pool(answer(4, True), ask(None, "mining.notify", "j2", *NOTIFY[1:]))
    talk.client(share(5, job="j2"), share(6, job="j1"))
    talk.pool(answer(5, True), answer(6, True))
    assert talk.row()["expected_hashes"] == (1024 + 4096 + 1024) * 2.0**32
    assert [unit for _, unit in talk.facts.difficulty] == [1024, 4096]


def test_what_the_pool_asks_and_tells_besides() -> None:
    talk = Talk()
    talk.client(
        ask(1, "mining.configure", ["info"], {"info.connection-url": "stratum+tcp://eu.pool.example:3333"})
    )
    talk.client(ask(2, "mining.subscribe"), ask(3, "mining.authorize", "acc.w1", "x"))
    talk.pool(answer(3, True), ask(9, "client.get_version"), ask(None, "client.show_message", "hello"))
    talk.client(answer(9, "whatsminer/v1.1"), ask(4, "mining.ping"))
    talk.pool(ask(None, "client.reconnect", "other.pool.example", 443, 5))
    assert (talk.facts.agent, talk.facts.pool_name) == ("whatsminer/v1.1", "eu.pool.example")
    assert any("show_message" in line for line in talk.facts.lines)
    assert talk.facts.client_is_reverse is False


def test_case_and_order_of_keys_do_not_matter() -> None:
    talk = Talk()
    talk.client({"PARAMS": ["acc.w1", "x"], "Method": "Mining.Authorize", "ID": 2})
    talk.pool({"RESULT": True, "Id": 2}, {"params": [8], "method": "MINING.SET_DIFFICULTY", "id": None})
    assert (talk.facts.dialect, talk.facts.identified) == ("stratum_v1", True)
    assert [unit for _, unit in talk.facts.difficulty] == [8]


def test_batches_are_heard_one_by_one() -> None:
    talk = Talk()
    talk.client([ask(1, "mining.subscribe", "x"), ask(2, "mining.authorize", "acc.w1", "x")])
    talk.pool([answer(1, [[], "08", 4]), answer(2, True)])
    assert talk.facts.identified
    talk.client([[[ask(3, "eth_submitLogin", "0x" + "ab" * 20)]]])  # what no batch is
    assert talk.facts.dialect == "stratum_v1"


def test_rates_of_several_rigs_add_up() -> None:
    talk = Talk()
    talk.client(ask(1, "eth_submitLogin", "0x" + "ab" * 20))
    for rig, rate in (("aa", 30e6), ("bb", 20e6), ("aa", 25e6)):
        talk.client(ask(2, "eth_submitHashrate", hex(int(rate)), "0x" + rig * 32))
    assert talk.facts.reported_hash_rate == pytest.approx(50e6)
    assert talk.facts.machines == 2


def test_a_proxy_with_one_name_tells_no_machines() -> None:
    talk = Talk()
    login = {"login": "4" + "A" * 94, "pass": "x", "agent": "xmrig-proxy/6.21.0"}
    talk.client({"id": 1, "method": "login", "params": login})
    assert talk.facts.dialect == "monero_login"
    assert talk.facts.machines is None


def test_kaspa_is_no_ethereum_though_its_miners_ask_for_it() -> None:
    talk = Talk()
    talk.client(ask(1, "mining.subscribe", "BzMiner", "EthereumStratum/1.0.0"))
    talk.pool(answer(1, [True, "EthereumStratum/1.0.0"]), ask(None, "mining.set_difficulty", 4))
    talk.pool(ask(None, "mining.notify", "1", "ab" * 40))
    assert (talk.facts.dialect, talk.facts.coin, talk.facts.algorithm) == ("stratum_v1", "KAS", "kHeavyHash")


def test_a_difficulty_without_a_convention_gives_no_hashes() -> None:
    talk = Talk()
    talk.pool(ask(None, "mining.set_difficulty", 64))
    talk.pool(ask(None, "mining.notify", {"jobId": "7", "headerBlob": "00" * 300, "targetBlob": "00ff"}))
    talk.client(ask(1, "mining.submit", {"jobId": "7", "nonce": "ab" * 24, "worker": "acc.w1"}))
    talk.pool(answer(1, True))
    row = talk.row()
    assert (row["coin"], row["shares_accepted"], row["expected_hashes"]) == ("ALPH", 1, None)


@pytest.mark.parametrize(
    ("algo", "coin", "algorithm"),
    [("rx/0", "XMR", "RandomX"), ("rx/wow", "WOW", "RandomX"), ("cn-heavy/xhv", None, "CryptoNight-Heavy")],
)
def test_the_algorithm_that_was_agreed_on(algo: str, coin: str | None, algorithm: str) -> None:
    talk = Talk()
    job = {"blob": "1010" + "ab" * 74, "job_id": "1", "target": "b88d0600", "algo": algo}
    talk.pool({"jsonrpc": "2.0", "method": "job", "params": job})
    assert (talk.facts.coin, talk.facts.algorithm) == (coin, algorithm)


def test_bytom_is_no_monero_though_it_logs_in_alike() -> None:
    talk = Talk()
    login = {"login": "acc.b3", "pass": "x", "agent": "bmminer/2.0.0"}
    talk.client({"id": 1, "method": "login", "params": login})
    job = {"job_id": "7", "target": "c5a70000", "seed": HEX64, "previous_block_hash": HEX64}
    talk.pool(answer(1, {"id": "s", "job": job, "status": "OK"}))
    assert (talk.facts.coin, talk.facts.algorithm) == ("BTM", "Tensority")
    assert talk.facts.difficulty[-1][1] == pytest.approx(2.0**32 / 0xA7C5)


def test_the_number_of_a_job_is_no_login() -> None:
    talk = Talk()
    for n in range(5):
        job = {"blob": "1010" + "ab" * 74, "job_id": f"{n}", "target": "b88d0600", "id": f"{n}"}
        talk.pool({"jsonrpc": "2.0", "method": "job", "params": job})
    assert talk.facts.machines is None
    assert len(talk.facts.difficulty) == 1


def test_a_target_without_a_known_work_names_no_algorithm() -> None:
    talk = Talk()
    talk.pool(
        ask(None, "mining.set_target", "00" * 4 + "ff" * 28), ask(None, "mining.notify", "7", "ab" * 150, 9)
    )
    talk.client(ask(1, "mining.submit", "acc.w1", "7", "ab"))
    row = talk.row()
    assert (row["dialect"], row["algorithm"], row["expected_hashes"]) == ("stratum_v1", None, None)


WORK = {
    "ethereum_stratum": ["0x" + HEX64, "0x" + "ab" * 32, "0x" + "00" * 4 + "ff" * 28],
    "http_getwork": {"midstate": HEX64, "data": "00" * 128, "target": "ff" * 26 + "00" * 6},
    "http_getblocktemplate": {"previousblockhash": HEX64, "coinbasevalue": 1, "target": "00" * 8 + "ff" * 24},
}


@pytest.mark.parametrize("dialect", WORK)
def test_the_pools_side_alone_tells_by_its_work(dialect: str) -> None:
    talk = Talk()
    talk.pool(answer(0, WORK[dialect]))
    assert (talk.facts.dialect, talk.facts.client_is_reverse) == (dialect, False)
    assert talk.facts.is_mining
    row = talk.row()
    assert (row["shares_submitted"], row["shares_accepted"], row["expected_hashes"]) == (None, None, None)


def test_the_miners_side_alone_tells_kaspa_by_its_wallet() -> None:
    talk = Talk()
    talk.client(ask(1, "mining.subscribe", "BzMiner", "EthereumStratum/1.0.0"))
    talk.client(ask(2, "mining.authorize", "kaspa:" + "q" * 61 + ".w1", "x"))
    assert (talk.facts.dialect, talk.facts.coin) == ("stratum_v1", "KAS")


INNOCENT: list[dict[str, Any]] = [
    {"id": 1, "method": "server.version", "params": ["electrum/4.5", "1.4"]},
    {"id": 2, "method": "blockchain.scripthash.subscribe", "params": [HEX64]},
    {"id": 2, "jsonrpc": "2.0", "result": {"hex": "00" * 80, "height": 900000}},
    {"jsonrpc": "2.0", "id": 3, "method": "eth_blockNumber", "params": []},
    {"jsonrpc": "2.0", "id": 4, "method": "eth_mining", "params": []},
    {"jsonrpc": "2.0", "id": 4, "method": "eth_hashrate", "params": []},
    {"jsonrpc": "2.0", "id": 4, "result": ["0x" + "ab" * 32, "0x" + "cd" * 32, "0x" + "00" * 32]},
    {"jsonrpc": "2.0", "id": 4, "result": ["0x" + "ab" * 32, "0x" + "cd" * 32, "0x" + HEX64]},
    {"jsonrpc": "2.0", "id": 4, "result": {"previousblockhash": HEX64, "bits": "1702f128", "height": 9}},
    {"jsonrpc": "2.0", "id": 5, "method": "getmininginfo", "params": []},
    {"jsonrpc": "2.0", "id": 6, "method": "textDocument/didOpen", "params": {"text": "mining.submit"}},
    {"id": 7, "method": "login", "params": {"login": "alice", "pass": "secret"}},
    {"id": 7, "result": {"id": "s", "token": "abc"}},
    {"id": 8, "method": "submit", "params": {"form": 3}},
    {"id": 9, "method": "job", "params": {"job_id": 7, "state": "done"}},
    {"type": "auth", "params": {"token": "abc"}},
    {"type": "job", "params": {"job_id": 7}},
    {"type": "submit", "params": {"answer": 1}},
    {"type": "error", "params": {"error": "no"}},
    {"event": "subscribe", "channel": "trades", "symbol": "tBTCUSD"},
    {"method": "job", "input": "text", "difficulty": 3},
    {"method": "result", "code": 1},
    {"id": 1, "method": "solution", "nonce": "x"},
    {"id": 1, "method": "mining.notify", "params": []},
    {"id": 1, "method": "mining.submit", "params": {}},
    {"id": 1, "method": "mining.authorize", "params": [7]},
    {"id": 1, "method": 5, "params": {"a": 1}},
]


@pytest.mark.parametrize("value", INNOCENT, ids=lambda value: str(value.get("method", value.get("type"))))
def test_what_is_no_mining(value: dict[str, Any]) -> None:
    talk = Talk()
    talk.client(value)
    talk.pool(value)
    assert not talk.facts.is_mining
    assert talk.facts.shares.submitted == 0


@pytest.mark.parametrize(
    ("user", "account", "worker"),
    [
        ("acc.w1", "acc", "w1"),
        ("acc", "acc", None),
        ("acc/w1", "acc", "w1"),
        ("0x" + "ab" * 20 + "/rig/me@example.org", "0x" + "ab" * 20, "rig"),
        ("wallet+20000.rig", "wallet", "rig"),
        ("t1abc.rig1/me@example.org", "t1abc", "rig1"),
        ("4AAA." + "ab" * 32 + ".rig", "4AAA", "rig"),
        ("cfx:type.user:x", "cfx:type", "user:x"),
    ],
)
def test_users_are_split(user: str, account: str, worker: str | None) -> None:
    assert split_user(user) == (account, worker)


def test_conventions() -> None:
    assert hashes_of_unit("stratum_v1", "SHA-256") == hashes_of_unit("ethereum_nicehash", "Ethash") == 2.0**32
    assert hashes_of_unit("stratum_v1", "scrypt") == 2.0**16
    assert hashes_of_unit("stratum_v2", "SHA-256") == hashes_of_unit("stratum_v1", "KawPow") == 1.0
    assert has_convention("stratum_v1", "KawPow", True)
    assert not has_convention("stratum_v1", "KawPow", False)
    assert not has_convention("stratum_v1", "SHA-256", True)
    assert has_convention("monero_login", "RandomX", False)


def test_a_share_is_answered_in_the_row_that_counts_it() -> None:
    talk = stratum()
    talk.client(share(4))
    talk.facts.begin_anew(talk.at)
    talk.pool(answer(4, None, [21, "Job not found", None]))
    assert talk.facts.is_mining
    row = talk.row()
    assert (row["shares_submitted"], row["shares_rejected"], row["expected_hashes"]) == (0, 0, 0)
    talk.client(share(5))
    assert talk.row()["expected_hashes"] == 1024 * 2.0**32


# --- simulated conversations -----------------------------------------------------------------------------


def session(tongue: Tongue, seed: int, login: bool, workers: int = 2) -> Session:
    rng = stream(seed, "dialects", tongue.name, tongue.algorithm)
    pool = draw_pool(rng, tongue.algorithm)
    machines = [Worker(f"m{n}", tongue.hash_rate * (1 + n)) for n in range(workers)]
    account = account_of(rng, tongue.algorithm, tongue.name)
    span, jobs = (START_US, END_US), job_times(seed, pool, START_US, END_US)
    return Session(
        pool, tongue.name, tongue.algorithm, account, "sim/1", machines, 2.0, *span, login, 40_000, jobs
    )  # fmt: skip


def heard(messages: list[Message], pieces: random.Random | None = None) -> MiningFacts:
    """Facts of a connection whose bytes come whole, or in pieces of any size."""
    dialogue, seqs = Dialogue(0, 0, messages[0].at_us), [1, 1]
    for message in messages:
        reverse, data = int(not message.from_client), message.data
        while data:
            size = pieces.randint(1, len(data)) if pieces else len(data)
            dialogue.take(reverse, seqs[reverse], data[:size], size, message.at_us)
            seqs[reverse], data = seqs[reverse] + size, data[size:]
    dialogue.finish()
    return dialogue.talk.facts


TEXT = [tongue for tongue in TONGUES if tongue.carrier != "frames"]
NAMES = [f"{tongue.name}-{tongue.algorithm}" for tongue in TONGUES]


@pytest.mark.parametrize("login", [True, False])
@pytest.mark.parametrize("tongue", TONGUES, ids=NAMES)
def test_every_tongue_is_heard(tongue: Tongue, login: bool) -> None:
    spoken = speak(stream(1, "heard"), session(tongue, 1, login))
    facts = heard(spoken.messages, random.Random(tongue.name))
    row = mining_columns(facts, (START_US, END_US))
    assert facts.is_mining
    assert (row["dialect"], row["algorithm"]) == (tongue.read_as, tongue.algorithm)
    assert tongue.coin is None or row["coin"] == tongue.coin
    assert row["shares_submitted"] == spoken.shares > 20
    assert facts.client_is_reverse is False
    assert sum(each["submitted"] for each in row["workers"]) <= spoken.shares
    assert not tongue.tells_rate or not login or row["expected_hashes"] > 0


@pytest.mark.parametrize("tongue", TONGUES, ids=NAMES)
def test_pieces_change_nothing(tongue: Tongue) -> None:
    messages = speak(stream(2, "pieces"), session(tongue, 2, True)).messages
    assert heard(messages, random.Random(1)) == heard(messages)


def rewritten(rng: random.Random, value: Any) -> Any:
    """The same with its keys in another order and case."""
    if isinstance(value, list):
        return [rewritten(rng, each) for each in value]
    if not isinstance(value, dict):
        return value
    keys = rng.sample(sorted(value), len(value))
    case = rng.choice((str.upper, str.lower, str.title, str))
    found = {case(key): rewritten(rng, value[key]) for key in keys}
    return {key: case(each) if key.lower() == "method" else each for key, each in found.items()}


def in_other_writing(rng: random.Random, messages: list[Message]) -> list[Message]:
    """JSON lines with keys in another order and case, other blanks and line ends, some in a batch."""
    found = []
    for message in messages:
        values = [rewritten(rng, json.loads(line)) for line in message.data.splitlines()]
        if len(values) > 1 and rng.random() < 0.5:
            values = [values]
        form = {"indent": rng.choice((None, None, 2)), "separators": rng.choice(((",", ":"), (" , ", " : ")))}
        text = rng.choice(("\n", "\r\n", "")).join(json.dumps(value, **form) for value in values)
        found.append(message._replace(data=text.encode() + rng.choice((b"\n", b"\r\n", b""))))
    return found


@pytest.mark.parametrize(
    "name", ["xmrig_proxy", "monero_proxy", "stratum_v1", "stratum_v2_clear", "ethereum_stratum"]
)
def test_machines_behind_a_proxy_are_told_apart(name: str) -> None:
    tongue = next(each for each in TONGUES if each.name == name)
    facts = heard(speak(stream(5, "machines"), session(tongue, 5, True, workers=6)).messages)
    assert facts.machines == 6


LINES = [tongue for tongue in TONGUES if tongue.carrier in ("lines", "websocket")]


@pytest.mark.parametrize("tongue", LINES, ids=[f"{tongue.name}-{tongue.algorithm}" for tongue in LINES])
def test_the_writing_of_json_changes_nothing(tongue: Tongue) -> None:
    messages = speak(stream(4, "writing"), session(tongue, 4, True)).messages
    plain, other = (mining_columns(heard(each), (START_US, END_US)) for each in (
        messages, in_other_writing(random.Random(4), messages),
    ))  # fmt: skip
    del plain["evidence_lines"], other["evidence_lines"]
    assert other == plain


@pytest.mark.parametrize("login", [True, False])
@pytest.mark.parametrize("tongue", TEXT, ids=[f"{tongue.name}-{tongue.algorithm}" for tongue in TEXT])
def test_every_tongue_has_a_sign(tongue: Tongue, login: bool) -> None:
    """The scanner hands out only connections in which a sign was seen."""
    text = b"".join(
        message.data for message in speak(stream(3, "sign"), session(tongue, 3, login)).messages
    ).lower()
    assert any(all(word in text for word in sign) for sign in MINING_SIGNS)


# --- what anybody may send -------------------------------------------------------------------------------


def test_the_head_of_a_request_names_who_works() -> None:
    talk = Talk()
    user = base64.b64encode(b"acc.w9:secret").decode()
    for line in (
        "POST / HTTP/1.1",
        "Host: pool.example:8332",
        f"Authorization: Basic {user}",
        "X-Mining-Hashrate: 5000",
    ):
        talk.conversation.hear_line(line, False)
    assert talk.facts.accounts == []  # nothing told yet that this is mining
    talk.client(ask(1, "getwork"))
    talk.client(ask(2, "getwork", "00" * 128))
    assert (talk.facts.accounts, talk.facts.pool_name) == (["acc"], "pool.example")
    assert talk.facts.workers["w9"].submitted == 1
    assert talk.facts.reported_hash_rate == 5000


def test_a_path_names_wallet_and_worker() -> None:
    talk = Talk()
    talk.conversation.hear_line("POST /0x" + "ab" * 20 + "/rig7/me@example.org HTTP/1.1", False)
    talk.client(ask(1, "eth_submitWork", "0x01", "0x" + HEX64, "0x" + HEX64))
    assert talk.facts.dialect == "ethereum_getwork"
    assert talk.facts.accounts == ["0x" + "ab" * 20]
    assert talk.facts.workers["rig7"].submitted == 1


def test_a_login_of_unknown_form_is_a_miners_once_work_comes() -> None:
    talk = Talk()
    talk.client({"id": 1, "method": "login", "params": {"login": "acc.w1", "pass": "x"}})
    assert talk.facts.dialect is None
    job = {"blob": "1010" + "ab" * 74, "job_id": "1", "target": "b88d0600"}
    talk.pool(answer(1, {"id": "s", "job": job, "status": "OK"}))
    talk.client(
        {"id": 2, "method": "submit", "params": {"id": "s", "job_id": "1", "nonce": "0", "result": "0"}}
    )
    assert talk.facts.accounts == ["acc"]
    assert talk.facts.workers["w1"].submitted == 1


METHODS = sorted({*conversations._CLIENT, *conversations._POOL, "auth", "job", "hash_accepted"})
WORDS = [HEX64, "0x" + HEX64, "00" * 80, "ff" * 300, "a.b", 1e308, -1, 2**200, 10**400, [21, "x"]]
KEYS = ["job_id", "blob", "target", "result", "nonce", "login", "pass", "algo", "id", "job", "pow"]
FIELDS = ["id", "method", "type", "identifier", "params", "result", "error", "body", "difficulty", "input"]


def odd(rng: random.Random, depth: int = 0) -> Any:
    """Return a value such as no honest software sends."""
    kind = rng.randrange(3 if depth < 3 else 1)
    if kind == 0:
        return rng.choice([None, True, 0, 7, -1.5, math.nan, math.inf, "", "é", *WORDS])
    if kind == 1:
        return [odd(rng, depth + 1) for _ in range(rng.randrange(10))]
    return {rng.choice(KEYS): odd(rng, depth + 1) for _ in range(rng.randrange(7))}


@pytest.mark.parametrize("seed", range(40))
def test_no_message_breaks_the_reader(seed: int) -> None:
    rng, talk = random.Random(seed), Talk()
    for _ in range(60):
        value = {name: odd(rng) for name in FIELDS if rng.random() < 0.4}
        value |= {rng.choice(("method", "type", "identifier")): rng.choice(METHODS), "id": rng.randrange(3)}
        talk.conversation.hear(value, "{}", rng.random() < 0.5, START_US)
    row = mining_columns(talk.facts, (START_US, END_US))
    assert row["expected_hashes"] is None or math.isfinite(row["expected_hashes"])


@given(st.binary(max_size=400), st.lists(st.integers(1, 60), max_size=8), st.booleans())
def test_no_bytes_break_the_frames(data: bytes, sizes: list[int], known: bool) -> None:
    if known:
        data = (
            b"".join(bytes([0, 0x80, 0x1A + data[n] % 8, data[n] % 64, 0, 0]) for n in range(len(data)))
            + data
        )
    talk, frames, at = Talk(), Frames(), 0
    for size in [*sizes, len(data)]:
        for frame in frames.feed(data[at : at + size], int(size == 7)):
            talk.conversation.hear(frame, "", False, START_US)
        at += size
    begins(data)


def test_what_is_kept_of_a_hostile_connection_is_bounded() -> None:
    talk = Talk()
    for n in range(6000):
        talk.client(
            {"id": "x" * 9000 + str(n), "method": "mining.authorize", "params": [f"{n}{'a' * 5000}.w{n}"]}
        )
        talk.client(
            {"method": "submit", "params": {"id": str(n), "job_id": "j" * 9000, "nonce": 1, "result": 1}}
        )
    facts = talk.facts
    assert len(facts.accounts) <= 4096
    assert len(facts.workers) <= 4096
    assert len(facts._sessions) <= 1024
    assert max(map(len, facts.accounts)) <= 200
