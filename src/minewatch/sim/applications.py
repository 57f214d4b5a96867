"""Applications for connection (用电报装): those of new customers, and those of mines under construction.

Floor area and bandwidth are assumed: an ordinary works declares 4 to 40 m2 per 10 kVA; a farm of
machines needs little of both (under 1 Mbit/s per thousand machines is what is told of real farms), and tells
more than it has or nothing.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from minewatch.sim.county import CountyPlan, Customer
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.streams import stream

_EQUIPMENT = {
    "data_centre": "服务器、交换机、UPS、精密空调",
    "server_room": "服务器、UPS",
    "gpu_server": "GPU服务器",
    "cold_store": "制冷机组",
    "telecom_base_station": "基站电源、空调",
    "electric_heating": "电锅炉",
    "ev_charger": "充电桩",
    "grow_house": "补光灯、空调",
    "construction_site": "塔吊、水泵",
}


def applications(plan: CountyPlan, number: int, customers: tuple[Customer, ...]) -> Iterator[dict[str, Any]]:
    """Yield rows of the ``applications`` table, without names and addresses (``minewatch.sim.people``)."""
    for customer in customers:
        building = customer.mine is not None and customer.mine.kind == "under_construction"
        new = customer.opened_on > plan.start_on and customer.contract_kva >= 45
        if building or new:
            yield _row(stream(plan.seed, number, customer.number, "application"), customer)


def _row(rng: Rng, customer: Customer) -> dict[str, Any]:
    mine = customer.mine
    start_on = mine.onset_on if mine is not None else customer.opened_on
    lead = timedelta(days=int(rng.integers(20, 150)))
    area = customer.contract_kva * log_uniform(rng, 0.4, 4)
    bandwidth = log_uniform(rng, 10, 200) if customer.kind != "data_centre" else log_uniform(rng, 1e3, 1e5)
    equipment: str | None = _EQUIPMENT.get(customer.kind, "生产设备")
    if mine is not None:
        area = mine.power_kw * log_uniform(rng, 0.05, 0.5)
        bandwidth = float(rng.choice((20.0, 50.0, 100.0)))
        equipment = str(rng.choice(("服务器、风机", "区块链服务器", "高性能计算设备、风机", "电子设备")))
    return {
        "application_id": f"A{customer.region_code}{customer.number:09d}",
        "kind": "power_connection",
        "region_code": customer.region_code,
        "requested_kva": customer.contract_kva,
        "floor_area_m2": round(area, 0),
        "bandwidth_mbps": round(bandwidth, 0) if rng.random() < 0.6 else None,
        "equipment": equipment if rng.random() < 0.8 else None,
        "applied_on": start_on - lead,
        "planned_start_on": start_on + timedelta(days=int(rng.integers(-10, 20))),
        "status": "approved",
    }
