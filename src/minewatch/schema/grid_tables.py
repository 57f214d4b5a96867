"""Tables of the power grid (IEC 61968-9 and 61970 terms)."""

import pyarrow as pa

from minewatch.schema.columns import DataClass, column
from minewatch.schema.types import DAY_CURVE, INSTANT, PHASE_CURVES

_PERSONAL, _IMPORTANT = DataClass.PERSONAL, DataClass.IMPORTANT

USAGE_POINTS = pa.schema(
    [
        column(
            "usage_point_id",
            pa.string(),
            "户号, opaque, leading zeros kept",
            data_class=_PERSONAL,
            required=True,
        ),
        column("customer_name", pa.string(), "户名", data_class=_PERSONAL),
        column("uscc", pa.string(), "统一社会信用代码, GB 32100-2015"),
        column("address", pa.string(), "用电地址 as written", data_class=_PERSONAL),
        column("region_code", pa.string(), "GB/T 2260 code of the county"),
        column("lon", pa.float64(), "longitude, WGS 84", unit="deg", data_class=_PERSONAL),
        column("lat", pa.float64(), "latitude, WGS 84", unit="deg", data_class=_PERSONAL),
        column("transformer_id", pa.string(), "supplying transformer (台区)", data_class=_IMPORTANT),
        column("feeder_id", pa.string(), "supplying feeder", data_class=_IMPORTANT),
        column(
            "tariff_class",
            pa.string(),
            "residential, agricultural, commercial_single, commercial_two_part, …",
        ),
        column("voltage_kv", pa.float64(), "supply voltage", unit="kV"),
        column("contract_kva", pa.float64(), "contract capacity", unit="kVA"),
        column("industry_code", pa.string(), "GB/T 4754 industry"),
        column("opened_on", pa.date32(), "first day of supply"),
        column("closed_on", pa.date32(), "first day without supply"),
    ]
)

TRANSFORMERS = pa.schema(
    [
        column("transformer_id", pa.string(), "transformer", data_class=_IMPORTANT, required=True),
        column("feeder_id", pa.string(), "feeder that supplies it", data_class=_IMPORTANT),
        column("region_code", pa.string(), "GB/T 2260 code of the county"),
        column("rated_kva", pa.float64(), "rated power", unit="kVA"),
        column("no_load_loss_kw", pa.float64(), "iron loss", unit="kW"),
        column("load_loss_kw", pa.float64(), "copper loss at rated current", unit="kW"),
        column("lon", pa.float64(), "longitude, WGS 84", unit="deg", data_class=_IMPORTANT),
        column("lat", pa.float64(), "latitude, WGS 84", unit="deg", data_class=_IMPORTANT),
    ]
)


def _curves(data_class: DataClass) -> list[pa.Field]:
    return [
        column("day", pa.date32(), "local day", required=True),
        column("interval_minutes", pa.int16(), "length of one interval", unit="min", required=True),
        column(
            "kw",
            DAY_CURVE,
            "mean active power of each interval",
            unit="kW",
            data_class=data_class,
            required=True,
        ),
        column("kvar", DAY_CURVE, "mean reactive power of each interval", unit="kvar", data_class=data_class),
        column("current_a", PHASE_CURVES, "phase currents", unit="A", data_class=data_class),
        column("voltage_v", PHASE_CURVES, "phase voltages", unit="V", data_class=data_class),
        column("quality", pa.list_(pa.uint8()), "Quality of each interval, see minewatch.schema.quality"),
    ]


INTERVAL_READINGS = pa.schema(
    [column("usage_point_id", pa.string(), "户号", data_class=_PERSONAL, required=True), *_curves(_PERSONAL)]
)

DAILY_READINGS = pa.schema(
    [
        column("usage_point_id", pa.string(), "户号", data_class=_PERSONAL, required=True),
        column("day", pa.date32(), "local day", required=True),
        column(
            "energy_kwh", pa.float64(), "energy of the day", unit="kWh", data_class=_PERSONAL, required=True
        ),
        column(
            "register_kwh", pa.float64(), "meter register at the day's end", unit="kWh", data_class=_PERSONAL
        ),
    ]
)

TRANSFORMER_READINGS = pa.schema(
    [
        column("transformer_id", pa.string(), "transformer", data_class=_IMPORTANT, required=True),
        *_curves(_IMPORTANT),
    ]
)

FEEDERS = pa.schema(
    [
        column("feeder_id", pa.string(), "medium-voltage feeder", data_class=_IMPORTANT, required=True),
        column("substation_id", pa.string(), "substation that supplies it", data_class=_IMPORTANT),
        column("region_code", pa.string(), "GB/T 2260 code of the county"),
        column("voltage_kv", pa.float64(), "nominal voltage", unit="kV"),
        column("resistance_ohm", pa.float64(), "of one phase, from its head to its load centre", unit="Ohm"),
    ]
)

FEEDER_READINGS = pa.schema(
    [
        column(
            "feeder_id", pa.string(), "feeder, measured at its head", data_class=_IMPORTANT, required=True
        ),
        *_curves(_IMPORTANT),
    ]
)

PLANTS = pa.schema(
    [
        column("plant_id", pa.string(), "plant", required=True),
        column("plant_name", pa.string(), "name"),
        column("operator_name", pa.string(), "operating enterprise"),
        column("uscc", pa.string(), "统一社会信用代码 of the operator"),
        column("kind", pa.string(), "hydro, wind, solar, thermal, captive"),
        column("rated_mw", pa.float64(), "rated output", unit="MW", data_class=_IMPORTANT),
        column("design_flow_m3s", pa.float64(), "flow at rated output (hydro)", unit="m3/s"),
        column("design_head_m", pa.float64(), "net head at rated output (hydro)", unit="m"),
        column(
            "design_efficiency",
            pa.float64(),
            "electric energy per energy of water or fuel at rated output, as accepted",
            unit="1",
        ),
        column("region_code", pa.string(), "GB/T 2260 code of the county"),
        column("lon", pa.float64(), "longitude, WGS 84", unit="deg", data_class=_IMPORTANT),
        column("lat", pa.float64(), "latitude, WGS 84", unit="deg", data_class=_IMPORTANT),
    ]
)

PLANT_READINGS = pa.schema(
    [
        column("plant_id", pa.string(), "plant", required=True),
        column("hour", INSTANT, "start of the hour", required=True),
        column(
            "mw", pa.float64(), "mean output to the grid", unit="MW", data_class=_IMPORTANT, required=True
        ),
        column("inflow_m3s", pa.float64(), "inflow", unit="m3/s"),
        column("head_m", pa.float64(), "net head", unit="m"),
        column("available_mw", pa.float64(), "capacity not on outage", unit="MW", data_class=_IMPORTANT),
        column(
            "dispatched_mw", pa.float64(), "output that dispatch asked for", unit="MW", data_class=_IMPORTANT
        ),
        column("spill_m3s", pa.float64(), "water past the turbines, where gauged", unit="m3/s"),
        column("wind_ms", pa.float64(), "wind speed at the mast or hub", unit="m/s"),
        column("irradiance_w_m2", pa.float64(), "irradiance in the modules' plane", unit="W/m2"),
        column("temperature_c", pa.float64(), "air temperature at the plant", unit="Cel"),
        column("fuel_mw", pa.float64(), "energy of the fuel burnt or of waste heat used", unit="MW"),
        column("heat_mw", pa.float64(), "heat delivered", unit="MW"),
        column("aux_mw", pa.float64(), "self-use (厂用电) where metered", unit="MW", data_class=_IMPORTANT),
        column(
            "site_load_mw",
            pa.float64(),
            "load of the owner's works behind the grid's meter, where metered",
            unit="MW",
            data_class=_IMPORTANT,
        ),
    ]
)

WEATHER = pa.schema(
    [
        column("region_code", pa.string(), "GB/T 2260 code", data_class=DataClass.PUBLIC, required=True),
        column("hour", INSTANT, "start of the hour", data_class=DataClass.PUBLIC, required=True),
        column("temperature_c", pa.float64(), "outside temperature", unit="Cel", data_class=DataClass.PUBLIC),
    ]
)

PRICES = pa.schema(
    [
        column("region_code", pa.string(), "GB/T 2260 code or market zone", required=True),
        column("hour", INSTANT, "start of the hour", required=True),
        column("price_per_kwh", pa.float64(), "price of energy, in the currency of the row", unit="1/kWh"),
        column("currency", pa.string(), "ISO 4217 code"),
    ]
)
