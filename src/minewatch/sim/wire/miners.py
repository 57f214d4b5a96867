"""Connections of mines and of infected computers in one window of time.

The hash rate is that of the machines that run: rated hash rate times the share of the rated power that
the fleet draws then. Assumed: up to 60 machines log in each by itself, larger farms through controllers
of up to 64 machines; a proxy, relay or tunnel has one connection. A trojan makes office computers mine
Monero at 0.4 to 3 kH/s while they are on; a county sees two campaigns, each with its own wallet.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from minewatch.schema.machines import machines
from minewatch.sim.addresses import web_server
from minewatch.sim.county import Customer, MinePlan
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.names import pick
from minewatch.sim.streams import stream
from minewatch.sim.wire.covers import in_tunnel, over_tls
from minewatch.sim.wire.dialects import Session, Worker, speak
from minewatch.sim.wire.jobs import Pool, account_of, draw_pool, hexadecimal, job_times
from minewatch.sim.wire.packets import TCP, UDP, Conversation, Side

RIGS_HASH_RATE: Mapping[str, float] = {"GPU rig 8x": 8 * 32e6, "CPU server": 19e3}
"""Hash rate of machines outside the manufacturers' table, H/s, assumed (6600 XT on Ethash, EPYC)."""

_HASH_RATE = {machine.model: machine.hash_rate for machine in machines()} | dict(RIGS_HASH_RATE)
_AGENTS = {
    "SHA-256": (
        "bmminer/2.0.0",
        "cgminer/4.12.0",
        "whatsminer/v1.1",
        "btcminer/4.0",
        "bosminer-plus-tuner 0.9.0",
    ),
    "scrypt": ("cgminer/4.10.0", "bmminer/2.0.0"),
    "kHeavyHash": ("iceriver-miner/0.1", "IceRiverMiner-v1.1"),
    "Ethash": ("lolMiner 1.88", "PhoenixMiner/6.2c", "TeamRedMiner/0.10.21"),
    "RandomX": ("XMRig/6.21.0 (Linux x86_64) libuv/1.44.2 gcc/9.3.0", "xmrig/6.18.1", "xmr-stak/2.10.8"),
}
TUNNEL_PORT = 51820
_LEAST_SHARE = 0.03
"""Below this share of its power no machine of a fleet runs."""

_CONTROLLED = 60
_PER_CONTROLLER = 64


class Window(NamedTuple):
    """A time in which packets are kept, microseconds since the epoch."""

    start_us: int
    end_us: int


class Deed(NamedTuple):
    """What a conversation is: for mining, infected, node, wallet, rpc, telemetry, ordinary."""

    purpose: str
    subject_id: str
    dialect: str | None = None
    hiding: str | None = None
    algorithm: str | None = None
    hash_rate: float | None = None
    machines: int = 0
    shares: int = 0


class Flow(NamedTuple):
    """One conversation; ``server_name`` is what the client looked up before, empty: nothing."""

    talk: Conversation
    server_name: str
    rtt_us: int
    deed: Deed


class Speaker(NamedTuple):
    """An account on the line: its outer address and the ports it may use."""

    customer: Customer
    ip: str
    port_low: int
    port_high: int


class Contact(NamedTuple):
    """A connection without its packets, for flow logs; ``name`` is what a greeting tells of the server."""

    client: Side
    server: Side
    protocol: int
    name: str
    share_s: float
    job_s: float
    job_bytes: int


def mine_flows(seed: int, speaker: Speaker, drawn_share: float, window: Window) -> list[Flow]:
    """Return the connections of ``speaker``'s mine while its fleet draws ``drawn_share`` of its power."""
    mine = speaker.customer.mine
    if mine is None or drawn_share < _LEAST_SHARE:
        return []
    rng = stream(seed, "wire", speaker.customer.usage_point_id, window.start_us)
    sessions = _mine_sessions(seed, rng, speaker, mine, (drawn_share, window))
    ports = ports_of(rng, speaker)
    if mine.hiding == "vpn":
        return [_tunnel(rng, speaker, next(ports), sessions, window)]
    return [_flow(rng, speaker, next(ports), mine.hiding, session) for session in sessions]


def mine_contacts(seed: int, speaker: Speaker, drawn_share: float, window: Window) -> list[Contact]:
    """Return the same connections for a log of ``window``, without what is said in them."""
    mine = speaker.customer.mine
    if mine is None or drawn_share < _LEAST_SHARE:
        return []
    rng = stream(seed, "wire log", speaker.customer.usage_point_id, window.start_us)
    sessions = _mine_sessions(seed, rng, speaker, mine, (drawn_share, window))
    ports = ports_of(rng, speaker)
    if mine.hiding == "vpn":
        share_s = 1 / sum(1 / session.share_s for session in sessions)
        far = _relay(speaker)._replace(port=TUNNEL_PORT)
        return [Contact(Side(speaker.ip, next(ports)), far, UDP, "", share_s, 20.0 / len(sessions), 1500)]
    return [_contact(speaker, next(ports), mine.hiding, session) for session in sessions]


def infected_flows(seed: int, speaker: Speaker, share_on: float, window: Window) -> list[Flow]:
    """Return the connections of computers that a trojan makes mine, of which ``share_on`` are on."""
    rng = stream(seed, "trojan", speaker.customer.usage_point_id, window.start_us)
    sessions = _infected_sessions(seed, rng, speaker, share_on, window)
    ports = ports_of(rng, speaker)
    flows = [_flow(rng, speaker, next(ports), "none", session) for session in sessions]
    return [flow._replace(deed=flow.deed._replace(purpose="infected")) for flow in flows]


def infected_contacts(seed: int, speaker: Speaker, share_on: float, window: Window) -> list[Contact]:
    """Return the same connections for a log of ``window``."""
    rng = stream(seed, "trojan log", speaker.customer.usage_point_id, window.start_us)
    sessions = _infected_sessions(seed, rng, speaker, share_on, window)
    ports = ports_of(rng, speaker)
    return [_contact(speaker, next(ports), "none", session) for session in sessions]


def _mine_sessions(
    seed: int, rng: Rng, speaker: Speaker, mine: MinePlan, now: tuple[float, Window]
) -> list[Session]:
    drawn_share, window = now
    home = stream(seed, "wire", speaker.customer.usage_point_id)  # what stays from window to window
    habit = _draw_habit(home, mine.algorithm, mine.dialect)
    prefix = pick(home, ("", "m", "rig", "a", "s19x", "w"))
    groups = _groups(_workers(rng, mine, drawn_share, prefix), mine.hiding)
    return [_session(seed, rng, habit, group, window) for group in groups]


def _infected_sessions(
    seed: int, rng: Rng, speaker: Speaker, share_on: float, window: Window
) -> list[Session]:
    home = stream(seed, "trojan", speaker.customer.usage_point_id)
    habit = _draw_habit(stream(seed, "campaign", int(home.integers(2))), "RandomX", "monero_login")
    sessions = []
    for _ in range(speaker.customer.infected):
        worker = Worker(hexadecimal(home, 6), log_uniform(home, 400, 3000))
        if rng.random() < share_on:
            sessions.append(_session(seed, rng, habit, [worker], window))
    return sessions


class _Habit(NamedTuple):
    """What a miner keeps: pool, how it speaks, what it mines, for whom, with which software."""

    pool: Pool
    dialect: str
    algorithm: str
    account: str
    agent: str


def _draw_habit(rng: Rng, algorithm: str, dialect: str) -> _Habit:
    account = account_of(rng, algorithm, dialect)
    return _Habit(draw_pool(rng, algorithm), dialect, algorithm, account, pick(rng, _AGENTS[algorithm]))


def _workers(rng: Rng, mine: MinePlan, drawn_share: float, prefix: str) -> list[Worker]:
    """Machines that run; together they hash ``drawn_share`` of the fleet's rating."""
    workers: list[Worker] = []
    for model, count in mine.machines:
        running = max(round(count * min(drawn_share, 1.0)), 1)
        spread = 1 + 0.02 * rng.standard_normal(running)
        rates = _HASH_RATE[model] * count * drawn_share * spread / spread.sum()
        first = len(workers) + 1
        workers += [Worker(f"{prefix}{first + n:03d}", float(rate)) for n, rate in enumerate(rates)]
    return workers


def _groups(workers: list[Worker], hiding: str) -> list[list[Worker]]:
    if hiding == "proxy":
        return [[Worker("proxy01", sum(worker.hash_rate for worker in workers))]]
    if len(workers) <= _CONTROLLED:
        return [[worker] for worker in workers]
    return [workers[n : n + _PER_CONTROLLER] for n in range(0, len(workers), _PER_CONTROLLER)]


def _session(seed: int, rng: Rng, habit: _Habit, workers: list[Worker], window: Window) -> Session:
    login = rng.random() < 0.6
    start = window.start_us
    if login:
        start += int(rng.uniform(1e6, 0.3 * (window.end_us - window.start_us)))
    return Session(
        *habit,
        workers=workers,
        share_s=max(rng.uniform(10, 30) / len(workers) ** 0.5, 1.2),
        start_us=start,
        end_us=window.end_us,
        login=login,
        rtt_us=int(rng.uniform(25_000, 180_000)),
        jobs=job_times(seed, habit.pool, start, window.end_us),
    )


def _flow(rng: Rng, speaker: Speaker, port: int, hiding: str, session: Session) -> Flow:
    spoken, name = speak(rng, session), session.pool.name
    messages = spoken.messages
    if hiding == "tls":
        messages = over_tls(rng, messages, name, session.rtt_us, session.login)
    server = _server(speaker, hiding, session.pool)
    talk = Conversation(Side(speaker.ip, port), server, TCP, messages, opened=session.login)
    deed = _deed(speaker, hiding, [session], spoken.shares)
    return Flow(talk, "" if hiding == "proxy" else name, session.rtt_us, deed)


def _tunnel(rng: Rng, speaker: Speaker, port: int, sessions: list[Session], window: Window) -> Flow:
    spoken = [speak(rng, session) for session in sessions]
    messages = in_tunnel(rng, [m for one in spoken for m in one.messages], *window)
    server = _relay(speaker)._replace(port=TUNNEL_PORT)
    talk = Conversation(Side(speaker.ip, port), server, UDP, messages)
    return Flow(talk, "", 60_000, _deed(speaker, "vpn", sessions, sum(one.shares for one in spoken)))


def _contact(speaker: Speaker, port: int, hiding: str, session: Session) -> Contact:
    pool = session.pool
    name = pool.name if hiding == "tls" else ""
    server = _server(speaker, hiding, pool)
    job_bytes = 300 + 66 * pool.coin.branches
    return Contact(Side(speaker.ip, port), server, TCP, name, session.share_s, pool.job_s, job_bytes)


def _server(speaker: Speaker, hiding: str, pool: Pool) -> Side:
    if hiding == "proxy":
        return _relay(speaker)
    return Side(pool.ip, pool.tls_port if hiding == "tls" else pool.port)


def _relay(speaker: Speaker) -> Side:
    """Return the far end of a proxy or tunnel, which is no pool."""
    rng = stream(0, "relay", speaker.customer.usage_point_id)
    return Side(web_server(int(rng.integers(506))), int(rng.choice((8080, 443, 10023))))


def _deed(speaker: Speaker, hiding: str, sessions: list[Session], shares: int) -> Deed:
    session = sessions[0]
    over_http = session.dialect == "http_getwork" and session.algorithm == "Ethash"
    workers = [worker for one in sessions for worker in one.workers]
    return Deed(
        purpose="mining",
        subject_id=speaker.customer.usage_point_id,
        dialect="ethereum_getwork" if over_http else session.dialect,
        hiding=hiding,
        algorithm=session.algorithm,
        hash_rate=sum(worker.hash_rate for worker in workers),
        machines=len(workers),
        shares=shares,
    )


def ports_of(rng: Rng, speaker: Speaker) -> Iterator[int]:
    """Yield ports of the speaker, each once."""
    low, high = max(speaker.port_low, 1024), speaker.port_high
    start = int(rng.integers(low, high + 1))
    while True:
        yield low + (start - low) % (high - low + 1)
        start += 1
