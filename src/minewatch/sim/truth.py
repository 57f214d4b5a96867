"""Ground truth of a simulated county. These schemas live here so that no detector can read them."""

from types import MappingProxyType

import pyarrow as pa

from minewatch.schema.columns import DataClass, column
from minewatch.schema.types import DAY_CURVE, INSTANT

_T = DataClass.TRUTH

MACHINE_COUNT = pa.struct(
    [pa.field("model", pa.string(), nullable=False), pa.field("count", pa.int64(), nullable=False)]
)

TRUTH_USAGE_POINTS = pa.schema(
    [
        column("usage_point_id", pa.string(), "户号", data_class=_T, required=True),
        column("kind", pa.string(), "class, or what a mine pretends to be", data_class=_T, required=True),
        column("mine_kind", pa.string(), "kind of mine; null: none", data_class=_T),
        column("site", pa.string(), "operator's site, common to split accounts", data_class=_T),
        column("machines", pa.list_(MACHINE_COUNT), "machines by model", data_class=_T),
        column("algorithm", pa.string(), "proof-of-work function", data_class=_T),
        column("power_kw", pa.float64(), "rated power of the mine", unit="kW", data_class=_T),
        column("metered", pa.bool_(), "false: behind a bypass", data_class=_T),
        column("onset_at", INSTANT, "first interval of the period with mining", data_class=_T),
        column("ended_at", INSTANT, "end of the last interval; null: on at the end", data_class=_T),
        column(
            "mining_kwh",
            pa.float64(),
            "mining energy in the period",
            unit="kWh",
            data_class=_T,
            required=True,
        ),
        column("rest_kw", pa.float64(), "mean of its other load", unit="kW", data_class=_T, required=True),
        column(
            "infected",
            pa.int64(),
            "computers that a trojan makes mine",
            unit="1",
            data_class=_T,
            required=True,
        ),
        column("true_transformer_id", pa.string(), "transformer in the field", data_class=_T, required=True),
        column(
            "changes",
            pa.list_(pa.string()),
            "tenant, step, opening, solar, heat_pump",
            data_class=_T,
            required=True,
        ),
        column("reading", pa.string(), "interval, daily, silent", data_class=_T, required=True),
    ]
)

TRUTH_PLACES = pa.schema(
    [
        column("usage_point_id", pa.string(), "户号", data_class=_T, required=True),
        column("transformer_id", pa.string(), "transformer in the field", data_class=_T, required=True),
        column("phase", pa.int8(), "0, 1, 2; null: all three", data_class=_T),
        column("branch", pa.int32(), "line that leaves the transformer", data_class=_T, required=True),
        column("box", pa.int32(), "meter box, counted outwards", data_class=_T, required=True),
        column("line_ohm", pa.float64(), "one wire to the box", unit="Ohm", data_class=_T, required=True),
        column("service_ohm", pa.float64(), "box to meter", unit="Ohm", data_class=_T, required=True),
    ]
)

TRUTH_MINING = pa.schema(
    [
        column("usage_point_id", pa.string(), "户号", data_class=_T, required=True),
        column("day", pa.date32(), "local day", data_class=_T, required=True),
        column("kw", DAY_CURVE, "mining power, metered or not", unit="kW", data_class=_T, required=True),
    ]
)

TRUTH_TRANSFORMERS = pa.schema(
    [
        column("transformer_id", pa.string(), "transformer", data_class=_T, required=True),
        column("day", pa.date32(), "local day", data_class=_T, required=True),
        column("unmetered_kw", DAY_CURVE, "load behind no meter", unit="kW", data_class=_T, required=True),
        column("lights_kw", DAY_CURVE, "of it, street lights", unit="kW", data_class=_T, required=True),
        column("loss_kw", DAY_CURVE, "technical losses", unit="kW", data_class=_T, required=True),
        column(
            "export_kw",
            DAY_CURVE,
            "solar power that customers feed in",
            unit="kW",
            data_class=_T,
            required=True,
        ),
        column(
            "clock_fast_min",
            pa.float64(),
            "error of its meter's clock",
            unit="min",
            data_class=_T,
            required=True,
        ),
    ]
)

TRUTH_FEEDERS = pa.schema(
    [
        column("feeder_id", pa.string(), "feeder", data_class=_T, required=True),
        column("day", pa.date32(), "local day", data_class=_T, required=True),
        column("unmetered_kw", DAY_CURVE, "taken from the line", unit="kW", data_class=_T, required=True),
        column("loss_kw", DAY_CURVE, "loss of the line", unit="kW", data_class=_T, required=True),
        column(
            "clock_fast_min",
            pa.float64(),
            "error of its meter's clock",
            unit="min",
            data_class=_T,
            required=True,
        ),
    ]
)

_MINE = [
    column("site", pa.string(), "operator's site", data_class=_T, required=True),
    column("machines", pa.list_(MACHINE_COUNT), "machines by model", data_class=_T, required=True),
    column("algorithm", pa.string(), "proof-of-work function", data_class=_T, required=True),
    column("power_kw", pa.float64(), "rated power", unit="kW", data_class=_T, required=True),
    column("onset_at", INSTANT, "first interval with power on the line", data_class=_T),
    column("ended_at", INSTANT, "end of the last one; null: goes on", data_class=_T),
    column("mining_kwh", pa.float64(), "energy in the period", unit="kWh", data_class=_T, required=True),
]

TRUTH_FEEDER_MINES = pa.schema(
    [column("feeder_id", pa.string(), "feeder whose line is tapped", data_class=_T, required=True), *_MINE]
)

TRUTH_PLANTS = pa.schema(
    [
        column("plant_id", pa.string(), "plant", data_class=_T, required=True),
        column("hour", INSTANT, "start of the hour", data_class=_T, required=True),
        column(
            "diverted_mw",
            pa.float64(),
            "power sent over a private line",
            unit="MW",
            data_class=_T,
            required=True,
        ),
        column("gross_mw", pa.float64(), "power made", unit="MW", data_class=_T, required=True),
        column("aux_mw", pa.float64(), "self-use of the plant", unit="MW", data_class=_T, required=True),
        column(
            "spilled_m3s", pa.float64(), "water past the turbines", unit="m3/s", data_class=_T, required=True
        ),
    ]
)

TRUTH_PLANT_MINES = pa.schema(
    [column("plant_id", pa.string(), "plant with a private line", data_class=_T, required=True), *_MINE]
)

TRUTH_ENTERPRISES = pa.schema(
    [
        column("usage_point_id", pa.string(), "户号", data_class=_T, required=True),
        column("enterprise_id", pa.string(), "entry of the register", data_class=_T, required=True),
        column("role", pa.string(), "operator, landlord, former", data_class=_T, required=True),
    ]
)

TRUTH_ENDPOINTS = pa.schema(
    [
        column("ip", pa.string(), "address as seen from the internet", data_class=_T, required=True),
        column("port_low", pa.int32(), "first port", data_class=_T, required=True),
        column("port_high", pa.int32(), "last port", data_class=_T, required=True),
        column("valid_from", INSTANT, "start of validity", data_class=_T, required=True),
        column("valid_to", INSTANT, "end, excluded; null: goes on", data_class=_T),
        column("subject_id", pa.string(), "户号, or plant with a private line", data_class=_T, required=True),
    ]
)

TRUTH_FLOWS = pa.schema(
    [
        column("capture", pa.string(), "file the packets are in", data_class=_T, required=True),
        column("carrier", pa.string(), "carrier that recorded it", data_class=_T, required=True),
        column("client_ip", pa.string(), "outer address", data_class=_T, required=True),
        column("client_port", pa.int32(), "outer port", data_class=_T, required=True),
        column("server_ip", pa.string(), "pool, relay or other server", data_class=_T, required=True),
        column("server_port", pa.int32(), "its port", data_class=_T, required=True),
        column("protocol", pa.int16(), "IANA number", data_class=_T, required=True),
        column("first_at", INSTANT, "first message, to the second", data_class=_T, required=True),
        column("last_at", INSTANT, "last message, to the second", data_class=_T, required=True),
        column(
            "purpose",
            pa.string(),
            "mining, infected; or, easily mistaken: node, wallet, rpc, telemetry",
            data_class=_T,
            required=True,
        ),
        column("subject_id", pa.string(), "户号 or plant", data_class=_T, required=True),
        column("dialect", pa.string(), "protocol to the pool", data_class=_T),
        column("hiding", pa.string(), "none, tls, proxy, vpn, double_nat", data_class=_T),
        column("algorithm", pa.string(), "proof-of-work function", data_class=_T),
        column("hash_rate", pa.float64(), "of the machines behind it", unit="H/s", data_class=_T),
        column("machines", pa.int64(), "machines that log in", unit="1", data_class=_T, required=True),
        column(
            "shares", pa.int64(), "shares submitted in the capture", unit="1", data_class=_T, required=True
        ),
    ]
)

TRUTH = MappingProxyType(
    {
        "truth_usage_points": TRUTH_USAGE_POINTS,
        "truth_places": TRUTH_PLACES,
        "truth_mining": TRUTH_MINING,
        "truth_transformers": TRUTH_TRANSFORMERS,
        "truth_feeders": TRUTH_FEEDERS,
        "truth_feeder_mines": TRUTH_FEEDER_MINES,
        "truth_plants": TRUTH_PLANTS,
        "truth_plant_mines": TRUTH_PLANT_MINES,
        "truth_enterprises": TRUTH_ENTERPRISES,
        "truth_endpoints": TRUTH_ENDPOINTS,
        "truth_flows": TRUTH_FLOWS,
    }
)
"""Schemas of the truth tables by name."""
