"""What the fields of the register are called: in histories, inventories, forms and the headers of files."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KINDS: dict[str, str | Promise] = {
    "enterprise": _("Enterprise"),
    "premises": _("Premises"),
    "usagepoint": _("Usage point"),
    "plant": _("Plant"),
    "line": _("Network line"),
    "site": _("Site"),
}
"""Kinds of things."""

FIELDS: dict[str, str | Promise] = {
    "region_id": _("Region"),
    "uscc": _("Unified social credit code"),
    "name": _("Name"),
    "legal_representative": _("Legal representative"),
    "phone": _("Telephone"),
    "industry_code": _("Industry code"),
    "credit_class": _("Credit class"),
    "address": _("Address"),
    "floor_area_m2": _("Floor area (m²)"),
    "lon": _("Longitude"),
    "lat": _("Latitude"),
    "number": _("Number"),
    "customer_name": _("Customer name"),
    "enterprise_id": _("Enterprise"),
    "premises_id": _("Premises"),
    "tariff_class": _("Tariff class"),
    "voltage_kv": _("Voltage (kV)"),
    "contract_kva": _("Contracted capacity (kVA)"),
    "price_cny_kwh": _("Power price (CNY/kWh)"),
    "transformer_id": _("Transformer"),
    "opened_on": _("Opened on"),
    "closed_on": _("Closed on"),
    "kind": _("Kind"),
    "capacity_mw": _("Capacity (MW)"),
    "prefix": _("IP addresses"),
    "port_low": _("First port"),
    "port_high": _("Last port"),
    "carrier_id": _("Carrier"),
    "holder_name": _("Holder"),
    "valid_from": _("Valid from"),
    "valid_to": _("Valid to"),
    "code": _("Code"),
    "phase": _("Inventory"),
    "state": _("State"),
    "planned_start_on": _("Planned start of operation"),
    "planned_power_kw": _("Planned power (kW)"),
    "services": _("Services offered"),
    "mining_share": _("Share of power used for mining"),
    "interruptible_share": _("Interruptible share of the peak"),
    "power_kw": _("Power drawn (kW)"),
    "power_low_kw": _("Power, lower bound (kW)"),
    "power_high_kw": _("Power, upper bound (kW)"),
    "energy_week_kwh": _("Energy of the week (kWh)"),
    "hash_rates": _("Hash rate by algorithm"),
    "posterior": _("Probability of mining"),
    "q_value": _("False discovery rate (q)"),
    "coin": _("Coin"),
    "pool": _("Pool"),
    "first_seen_at": _("First seen"),
    "last_seen_at": _("Last seen"),
    "recurrences": _("Recurrences"),
}
"""Fields that sources state, by their name in statements."""

TARIFFS: Mapping[str, str | Promise] = {
    "residential": _("Residential"),
    "agricultural": _("Agricultural production"),
    "commercial": _("Industrial and commercial"),
    "commercial_single": _("Industrial and commercial, one-part"),
    "commercial_two_part": _("Industrial and commercial, two-part"),
    "heating": _("Electric heating"),
    "ev_charging": _("Charging of electric vehicles"),
}
"""Tariff classes of the analysis in words (classes since June 2023: facts of the policy, section 6)."""


def tariff_text(code: str) -> str:
    """Return a tariff class in words; one that is no code of the analysis is said as it was given."""
    return str(TARIFFS.get(code, code))
