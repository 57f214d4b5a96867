"""Tables that the analysis writes: features, evidence, assessments, findings."""

import pyarrow as pa

from minewatch.schema.columns import DataClass, column
from minewatch.schema.types import INPUT, INSTANT, LINK, NAMED_PROBABILITY, REASON, STRAY

_PERSONAL, _IMPORTANT = DataClass.PERSONAL, DataClass.IMPORTANT

_PERIOD = [
    column("period_start_at", INSTANT, "start of the period looked at", required=True),
    column("period_end_at", INSTANT, "end, excluded", required=True),
]

_POWER = [
    column("power_kw", pa.float64(), "mining power while on", unit="kW"),
    column("power_kw_low", pa.float64(), "lower end of the 90 % interval", unit="kW"),
    column("power_kw_high", pa.float64(), "upper end of the 90 % interval", unit="kW"),
]

_ENERGY = [
    column("energy_kwh", pa.float64(), "mining energy in the period", unit="kWh"),
    column("energy_kwh_low", pa.float64(), "lower end of the 90 % interval", unit="kWh"),
    column("energy_kwh_high", pa.float64(), "upper end of the 90 % interval", unit="kWh"),
]

LOAD_FEATURES = pa.schema(
    [
        column("usage_point_id", pa.string(), "户号", data_class=_PERSONAL, required=True),
        *_PERIOD,
        column("features", pa.list_(pa.float64()), "in the order of kernels.power.load_features.FEATURES"),
    ]
)

SITE_HOURS = pa.schema(
    [
        column("site_id", pa.string(), "site", data_class=_PERSONAL, required=True),
        column("hour", INSTANT, "start of the hour", required=True),
        column("kw", pa.float64(), "mean power of all its usage points; null: one has no reading", unit="kW"),
        column("inbound_bytes", pa.float64(), "bytes towards the site; null: no line was counted", unit="By"),
        column("outbound_bytes", pa.float64(), "bytes from the site", unit="By"),
        column("peers", pa.float64(), "distinct remote addresses, summed over lines", unit="1"),
        column("local_addresses", pa.float64(), "distinct own addresses, summed over lines", unit="1"),
        column("lines_known", pa.int32(), "lines that the leases give it in the hour", required=True),
        column("lines_seen", pa.int32(), "of them, lines with a count", required=True),
        column("temperature_c", pa.float64(), "outside temperature", unit="Cel"),
    ]
)

SITE_RECORDS = pa.schema(
    [
        column("site_id", pa.string(), "site", data_class=_PERSONAL, required=True),
        column("usage_points", pa.int32(), "usage points of the site", unit="1", required=True),
        column("points_read", pa.int32(), "of them, with readings in the period", unit="1", required=True),
        column("contract_kva", pa.float64(), "contract capacity of all of them", unit="kVA"),
        column("industry_codes", pa.list_(pa.string()), "GB/T 4754 industries of accounts and enterprises"),
        column("enterprises", pa.int32(), "enterprises linked to it", unit="1", required=True),
        column("business_scope", pa.string(), "经营范围 of the most probable one that names data centres"),
        column("declared_mbps", pa.float64(), "bandwidth declared in applications", unit="Mbit/s"),
        column("floor_area_m2", pa.float64(), "floor area declared in applications", unit="m2"),
        column("reading_rows", pa.int64(), "rows of interval_readings behind its hours", required=True),
        column("traffic_rows", pa.int64(), "rows of line_traffic behind its hours", required=True),
    ]
)

_HOURS = pa.list_(pa.float32())

BALANCE_BOOKS = pa.schema(
    [
        column("transformer_id", pa.string(), "transformer", data_class=_IMPORTANT, required=True),
        column(
            "area_id",
            pa.string(),
            "substation that supplies it; unknown: its feeder; unknown too: empty",
            data_class=_IMPORTANT,
            required=True,
        ),
        column("first_day", pa.date32(), "local day of its first supply reading; null: it has none"),
        column("supply_kw", _HOURS, "what goes in, by the hour", unit="kW", required=True),
        column("supply_kvar", _HOURS, "reactive power that goes in", unit="kvar", required=True),
        column("metered_kw", _HOURS, "what its customers' meters count", unit="kW", required=True),
        column("filled_kw", _HOURS, "of it, guessed for gaps", unit="kW", required=True),
        column("doubt_kw", _HOURS, "standard deviation of what was guessed", unit="kW", required=True),
        column("floors_kw", pa.list_(pa.float64()), "least hour of each customer's mean day", unit="kW"),
        column("unread_kva", pa.list_(pa.float64()), "contracts of customers without readings", unit="kVA"),
        column("read_daily", pa.int32(), "customers read once a day", unit="1", required=True),
        column("rated_kva", pa.float64(), "rated power", unit="kVA"),
        column("no_load_loss_kw", pa.float64(), "iron loss", unit="kW"),
        column("load_loss_kw", pa.float64(), "copper loss at rated current", unit="kW"),
        column("lon", pa.float64(), "longitude, WGS 84", unit="deg", data_class=_IMPORTANT),
        column("lat", pa.float64(), "latitude, WGS 84", unit="deg", data_class=_IMPORTANT),
        column("strays", pa.list_(STRAY), "customers of the archive that it does not feed"),
    ]
)

EVIDENCE = pa.schema(
    [
        column(
            "evidence_id", pa.string(), "hash of detector, version, subject, period and inputs", required=True
        ),
        column("detector", pa.string(), "name of the detector", required=True),
        column("detector_version", pa.string(), "its version", required=True),
        column("subject_kind", pa.string(), "see minewatch.schema.evidence.SubjectKind", required=True),
        column("subject_id", pa.string(), "id of the subject", data_class=_PERSONAL, required=True),
        *_PERIOD,
        column(
            "log10_lr",
            pa.float64(),
            "strength for mining against the best innocent explanation; null: refused",
        ),
        column("best_alternative", pa.string(), "that innocent explanation"),
        column(
            "alternatives", pa.list_(NAMED_PROBABILITY), "probability of each innocent class, mining excluded"
        ),
        *_POWER,
        *_ENERGY,
        column("onset_at", INSTANT, "when the mining load or flow began; null: before the data"),
        column("ended_at", INSTANT, "when it ended; null: still on at the end of the data"),
        column("on_share", pa.float64(), "share of the time from onset to end in which it is on", unit="1"),
        column("duty", pa.string(), "flat, night_only, price_following, seasonal, intermittent"),
        column(
            "places",
            pa.list_(NAMED_PROBABILITY),
            "户号 at which a load that no meter shows may sit",
            data_class=_PERSONAL,
        ),
        column("hash_rate", pa.float64(), "hash rate", unit="H/s"),
        column("hash_rate_low", pa.float64(), "lower end of the 95 % interval", unit="H/s"),
        column("hash_rate_high", pa.float64(), "upper end of the 95 % interval", unit="H/s"),
        column("algorithm", pa.string(), "proof-of-work function of the hash rate"),
        column("coin", pa.string(), "ticker, where known"),
        column("reasons", pa.list_(REASON), "what a person can check", required=True),
        column("inputs", pa.list_(INPUT), "table versions and rows", required=True),
    ]
)

ASSESSMENTS = pa.schema(
    [
        column("run_id", pa.string(), "run", required=True),
        column("site_id", pa.string(), "site", data_class=_PERSONAL, required=True),
        column("score", pa.float64(), "combined log10 likelihood ratio", unit="1", required=True),
        column("posterior", pa.float64(), "probability of mining", unit="1", required=True),
        column(
            "p_value", pa.float64(), "conformal p-value against innocent look-alikes", unit="1", required=True
        ),
        column(
            "q_value", pa.float64(), "false-discovery rate of the list down to here", unit="1", required=True
        ),
        column("listed", pa.bool_(), "on the list at the stated rate", required=True),
    ]
)

FINDINGS = pa.schema(
    [
        column("finding_id", pa.string(), "hash of site, period and run", required=True),
        column("run_id", pa.string(), "run that made it", required=True),
        column("site_id", pa.string(), "stable over runs", data_class=_PERSONAL, required=True),
        *_PERIOD,
        column("address", pa.string(), "premises", data_class=_PERSONAL),
        column("region_code", pa.string(), "GB/T 2260 code"),
        column("lon", pa.float64(), "longitude, WGS 84", unit="deg", data_class=_PERSONAL),
        column("lat", pa.float64(), "latitude, WGS 84", unit="deg", data_class=_PERSONAL),
        column(
            "usage_points", pa.list_(NAMED_PROBABILITY), "户号 with link probability", data_class=_PERSONAL
        ),
        column("transformers", pa.list_(NAMED_PROBABILITY), "whose balance lacks energy"),
        column("feeders", pa.list_(NAMED_PROBABILITY), "whose balance lacks energy"),
        column("plants", pa.list_(NAMED_PROBABILITY), "whose output is missing"),
        column(
            "endpoints", pa.list_(NAMED_PROBABILITY), "ip:port with link probability", data_class=_PERSONAL
        ),
        column("enterprises", pa.list_(NAMED_PROBABILITY), "enterprise_id with link probability"),
        column(
            "enterprise_name", pa.string(), "企业: most probable enterprise or customer", data_class=_PERSONAL
        ),
        column("links", pa.list_(LINK), "how the parts hang together", data_class=_PERSONAL),
        column("posterior", pa.float64(), "probability of mining", unit="1", required=True),
        column(
            "q_value", pa.float64(), "false-discovery rate of the list down to here", unit="1", required=True
        ),
        *_POWER,
        *_ENERGY,
        column("hash_rate", pa.float64(), "算力", unit="H/s"),
        column("algorithm", pa.string(), "proof-of-work function of the hash rate"),
        column("coin", pa.string(), "ticker, where known"),
        column("machines", pa.int64(), "machines told apart in the traffic at one time", unit="1"),
        column(
            "kind", pa.string(), "active, passive_victim, unmetered_supply, plant_diversion", required=True
        ),
        column(
            "victim_probability",
            pa.float64(),
            "probability that its computers were infected, given that they mine; null: no traffic tells",
            unit="1",
        ),
        column("kind_reasons", pa.list_(REASON), "why infected or not, each with its likelihood ratio"),
        column("duty", pa.string(), "when it runs, see minewatch.schema.evidence.Duty"),
        column("site_class", pa.string(), "operating or under_construction", required=True),
        column("planned_start_on", pa.date32(), "计划投产时间, as applied for"),
        column("onset_at", INSTANT, "earliest onset"),
        column("ended_at", INSTANT, "end; null: still on"),
        column(
            "contradictions", pa.list_(REASON), "estimates that disagree: a reason not to act", required=True
        ),
        column("reasons", pa.list_(REASON), "what a person can check", required=True),
        column("evidence_ids", pa.list_(pa.string()), "evidence it rests on", required=True),
    ]
)

CALIBRATIONS = pa.schema(
    [
        column("calibration_id", pa.string(), "hash of the run, the labels and the method", required=True),
        column("made_at", INSTANT, "when; the newest calibration holds", required=True),
        column("run_id", pa.string(), "scan that gave the scores", required=True),
        column("family", pa.string(), "see minewatch.fuse.families", required=True),
        column("detector", pa.string(), "detector whose scores these are", required=True),
        column("detector_version", pa.string(), "its version: scores of another are not used", required=True),
        column("judged", pa.int64(), "subjects of the family that the scan judged", unit="1", required=True),
        column(
            "tail_from", pa.float64(), "score from which on (nearly) every subject was inspected; null: none"
        ),
        column("evidence_id", pa.string(), "evidence on the subject", required=True),
        column("subject_id", pa.string(), "id of the subject", data_class=_PERSONAL, required=True),
        column("site_id", pa.string(), "its site", data_class=_PERSONAL, required=True),
        column("score", pa.float64(), "log10 likelihood ratio", unit="1", required=True),
        column("label_id", pa.string(), "label; null: not inspected"),
        column("outcome", pa.string(), "mining, victim, not_mining; null: not inspected"),
        column("innocent_class", pa.string(), "what it was instead"),
        column("in_class", pa.bool_(), "counts among the innocents of its class", required=True),
        column("in_tail", pa.bool_(), "counts among the inspected top of the county", required=True),
    ]
)
