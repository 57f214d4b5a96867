"""Tables to files as grid companies, carriers and registers hand them over.

Archives and wide readings are CSV in GBK with Chinese headers; leases, plants, weather and prices CSV in
UTF-8; the business register XLSX or CSV. Times are local, without a zone. Every file is written beside its
place and renamed, so a name stands for a whole file, and nothing in it depends on when it was written.
"""

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

HEADERS = {
    "usage_point_id": "户号", "customer_name": "户名", "uscc": "统一社会信用代码",
    "address": "用电地址", "region_code": "行政区划代码", "lon": "经度", "lat": "纬度",
    "transformer_id": "台区编号", "feeder_id": "线路编号", "tariff_class": "用电类别",
    "voltage_kv": "电压等级(kV)", "contract_kva": "合同容量(kVA)", "industry_code": "行业代码",
    "opened_on": "立户日期", "closed_on": "销户日期", "day": "日期", "rated_kva": "额定容量(kVA)",
    "no_load_loss_kw": "空载损耗(kW)", "load_loss_kw": "负载损耗(kW)", "application_id": "申请编号",
    "kind": "业务类型", "applicant_name": "申请人", "requested_kva": "申请容量(kVA)",
    "floor_area_m2": "建筑面积(平方米)", "bandwidth_mbps": "带宽(Mbps)", "equipment": "主要设备",
    "applied_on": "申请日期", "planned_start_on": "计划投产时间", "status": "状态",
    "enterprise_id": "企业注册号", "enterprise_name": "企业名称", "registered_address": "住所",
    "business_address": "经营场所", "business_scope": "经营范围", "registered_on": "成立日期",
    "plant_id": "电站编号", "plant_name": "电站名称", "operator_name": "运营单位",
    "energy_kwh": "日电量(kWh)", "register_kwh": "日冻结示数(kWh)", "substation_id": "变电站编号",
    "resistance_ohm": "线路电阻",
    "rated_mw": "装机容量(MW)", "hour": "时间", "mw": "出力(MW)", "inflow_m3s": "入库流量(m3/s)",
    "head_m": "水头(m)", "available_mw": "可用容量(MW)", "dispatched_mw": "调度出力(MW)",
    "design_flow_m3s": "设计流量(m3/s)", "design_head_m": "设计水头(m)", "design_efficiency": "设计效率",
    "spill_m3s": "弃水流量(m3/s)", "wind_ms": "风速(m/s)", "irradiance_w_m2": "辐照度(W/m2)",
    "fuel_mw": "燃料输入(MW)", "heat_mw": "供热功率(MW)", "aux_mw": "厂用电(MW)",
    "site_load_mw": "自备负荷(MW)",
    "temperature_c": "气温(℃)", "price_per_kwh": "电价(元/kWh)", "currency": "币种", "prefix": "IP地址",
    "port_low": "起始端口", "port_high": "结束端口", "valid_from": "生效时间", "valid_to": "失效时间",
    "next_prefix": "内网IP", "holder_name": "租用单位", "carrier": "运营商",
}  # fmt: skip
"""Canonical column → header in the files."""

_TABLE_HEADERS = {
    "ip_leases": {"kind": "地址类型", "address": "安装地址"},
    "plants": {"kind": "电站类型"},
    "enterprises": {"closed_on": "注销日期"},
}
_ROWS_AT_ONCE = 20_000


def write_whole(path: Path, write: Callable[[Path], object]) -> int:
    """Let ``write`` fill a file beside ``path``, rename it to ``path``, and return its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path.stat().st_size


def write_parquet(path: Path, table: pa.Table) -> int:
    """Write Parquet: zstd, row groups of about a million readings."""

    def write(beside: Path) -> None:
        pq.write_table(table, beside, compression="zstd", compression_level=3, row_group_size=10_000)

    return write_whole(path, write)


def write_csv(path: Path, name: str, table: pa.Table, zone: ZoneInfo, encoding: str = "utf-8") -> int:
    """Write the canonical table ``name`` as CSV with Chinese headers."""
    texts = as_text(name, table, zone)
    return write_whole(path, lambda beside: _write_batches(beside, iter([texts]), encoding))


def write_wide(path: Path, table: pa.Table, encoding: str = "gbk") -> int:
    """Write day curves as CSV with one column per interval (P1, P2, …) of mean kW; missing is empty."""
    slices = (_wide(table.slice(start, _ROWS_AT_ONCE)) for start in range(0, table.num_rows, _ROWS_AT_ONCE))
    return write_whole(path, lambda beside: _write_batches(beside, slices, encoding))


def write_xlsx(path: Path, name: str, table: pa.Table, zone: ZoneInfo) -> int:
    """Write the canonical table ``name`` as the only sheet of an XLSX workbook with Chinese headers."""
    import xlsxwriter

    texts = as_text(name, table, zone)

    def write(beside: Path) -> None:
        with xlsxwriter.Workbook(beside, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            book.set_properties({"created": datetime(2020, 1, 1)})  # noqa: DTZ001 - a fixed stamp
            sheet = book.add_worksheet("Sheet1")
            sheet.write_row(0, 0, texts.column_names)
            for line, row in enumerate(zip(*texts.to_pydict().values(), strict=True), start=1):
                sheet.write_row(line, 0, row)

    return write_whole(path, write)


def as_text(name: str, table: pa.Table, zone: ZoneInfo) -> pa.Table:
    """Return ``table`` with Chinese headers and times as local text."""
    own = _TABLE_HEADERS.get(name, {})
    headers = [own.get(column) or HEADERS[column] for column in table.column_names]
    return pa.table([_local(column, zone) for column in table.columns], names=headers)


def _local(column: pa.ChunkedArray, zone: ZoneInfo) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_date(column.type):
        return column.cast(pa.string())
    if not pa.types.is_timestamp(column.type):
        return column
    texts = [at and at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for at in column.to_pylist()]
    return pa.array(texts, pa.string())


def _wide(table: pa.Table) -> pa.Table:
    curves = table["kw"].combine_chunks()
    width = len(curves[0])
    values = curves.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    columns: dict[str, Any] = {HEADERS[column]: table[column] for column in table.column_names[:2]}
    for n in range(width):
        part = np.ascontiguousarray(values[:, n])
        columns[f"P{n + 1}"] = pa.array(part, mask=np.isnan(part))
    return pa.table(columns)


def _write_batches(path: Path, tables: Iterable[pa.Table], encoding: str) -> None:
    with path.open("wb") as file:
        for number, table in enumerate(tables):
            options = csv.WriteOptions(
                include_header=number == 0, quoting_style="needed", quoting_header="none"
            )
            sink = pa.BufferOutputStream()
            csv.write_csv(table, sink, options)
            file.write(sink.getvalue().to_pybytes().decode().encode(encoding))
