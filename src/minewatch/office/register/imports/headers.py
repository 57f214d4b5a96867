"""Which column holds which field: by its titles in both languages, its name and what else people write."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.utils.translation import override

from minewatch.office.platform.refusals import Refused
from minewatch.office.register.canonical import bare
from minewatch.office.register.imports.tables import Row

_LOOKED_AT = 10
_IN_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_LONGEST = 120
LANGUAGES = ("zh-hans", "en")

ALIASES: Mapping[str, Sequence[str]] = {
    "region_id": (
        "行政区划",
        "行政区划代码",
        "区划代码",
        "所在地区",
        "区县",
        "县区",
        "Region code",
        "County",
    ),
    "uscc": ("统一社会信用代码", "社会信用代码", "信用代码", "组织机构代码", "USCC", "Credit code"),
    "name": (
        "名称",
        "企业名称",
        "单位名称",
        "电站名称",
        "项目名称",
        "场所名称",
        "Enterprise name",
        "Company",
    ),
    "legal_representative": ("法定代表人", "法人", "法人代表"),
    "phone": ("电话", "联系电话", "联系方式", "手机", "Phone", "Contact"),
    "industry_code": ("行业代码", "行业", "行业分类", "Industry"),
    "credit_class": ("信用等级", "信用分类"),
    "address": ("地址", "详细地址", "用电地址", "安装地址", "Street address"),
    "floor_area_m2": ("建筑面积", "面积", "Area"),
    "lon": ("经度", "Lng", "Lon"),
    "lat": ("纬度", "Lat"),
    "number": ("编号", "户号", "用户编号", "用电户号", "客户编号", "电站编号", "Account number", "Account"),
    "customer_name": ("户名", "用户名称", "客户名称", "Customer"),
    "enterprise_id": ("所属企业", "用电企业", "业主", "Company", "Owner"),
    "premises_id": ("地址", "用电地址", "详细地址", "场所地址", "装机地址", "Address"),
    "tariff_class": ("用电类别", "电价类别", "电价类型", "Tariff"),
    "voltage_kv": ("电压等级", "电压", "供电电压", "Voltage"),
    "contract_kva": ("合同容量", "容量", "运行容量", "报装容量", "Contracted", "Contract capacity"),
    "price_cny_kwh": ("电价", "用电价格", "Price"),
    "transformer_id": ("变压器", "变压器编号", "台区", "台区编号", "配变", "Transformer id"),
    "opened_on": ("立户日期", "开户日期", "接电日期", "Account opened"),
    "closed_on": ("销户日期", "Account closed"),
    "kind": ("类型", "类别", "电站类型", "Type"),
    "capacity_mw": ("装机容量", "容量", "Capacity"),
    "prefix": ("IP", "IP地址", "IP段", "网段", "地址段", "Prefix", "IP address"),
    "port_low": ("起始端口", "Port from"),
    "port_high": ("结束端口", "终止端口", "Port to"),
    "carrier_id": ("运营商", "基础电信企业", "ISP"),
    "holder_name": ("使用人", "持有人", "用户", "租用人"),
    "valid_from": ("生效时间", "起始时间", "开通时间", "From"),
    "valid_to": ("失效时间", "终止时间", "到期时间", "Until"),
    "code": ("编码", "场所编码", "项目编码", "Site code"),
    "phase": ("清单", "项目状态", "存量或增量", "Phase"),
    "planned_start_on": ("计划投产日期", "计划投运日期"),
    "planned_power_kw": ("计划用电功率", "规划用电负荷", "计划功率"),
    "services": ("服务内容", "经营业务"),
    "mining_share": ("挖矿用电占比",),
    "interruptible_share": ("可中断负荷占比",),
    "power_kw": ("功率", "用电功率", "用电负荷", "Power", "kW"),
    "energy_week_kwh": ("周用电量", "Weekly energy"),
    "coin": ("币种",),
    "pool": ("矿池",),
    "site": ("场所", "场所编码", "编码", "项目编码", "Site", "Site code", "Code"),
    "model": ("型号", "机型", "矿机型号", "设备型号", "Machine", "Machine model"),
    "machines": ("数量", "台数", "矿机数量", "Count", "Machines", "Quantity"),
    "maker": ("厂商", "品牌", "制造商", "生产厂家", "Brand"),
    "algorithm": ("算法",),
    "hash_rate_each": ("单台算力", "算力", "Hash rate", "Hashrate"),
    "power_each_w": ("单台功率", "额定功率", "功耗", "Power each", "Watts"),
    "hours_day": ("每日运行小时", "日运行小时数", "运行小时", "Hours per day"),
    "made_year": ("生产年份", "出厂年份", "Year"),
}
"""What else people write above a column of a field, besides its title and name."""


class Guess(NamedTuple):
    """Where the header stands, what it says, and which column (by place, as text) holds which field."""

    row: int
    headers: list[str]
    columns: dict[str, str]


def guess(rows: Iterable[Row], titles: Mapping[str, Any]) -> Guess:
    """Find the header among the first rows: the one of which most columns are known.

    ``titles`` gives the fields of the kind and what they are called. Raises Refused where there is none.
    """
    words = words_of(titles)
    best = Guess(0, [], {})
    for number, row in islice(rows, _LOOKED_AT):
        headers = [_header(cell) for cell in row]
        columns = _columns(headers, words)
        if len(columns) > len(best.columns):
            best = Guess(number, headers, columns)
    if not best.columns:
        raise Refused("table_without_columns")
    while best.headers and not best.headers[-1]:
        best.headers.pop()
    return best


def words_of(titles: Mapping[str, Any]) -> dict[str, str]:
    """Return what may stand above a column, as bare letters, and the field that it means."""
    words: dict[str, str] = {}
    for said in (lambda name: [*_titles(titles[name]), name, name.removesuffix("_id")], _aliases):
        for name in titles:
            for word in said(name):
                words.setdefault(_word(word), name)
    return words


def _titles(title: Any) -> list[str]:
    told = []
    for language in LANGUAGES:
        with override(language):
            told += [str(title), _IN_BRACKETS.sub("", str(title))]
    return told


def _aliases(name: str) -> Sequence[str]:
    return ALIASES.get(name, ())


def _columns(headers: Sequence[str], words: Mapping[str, str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for place, header in enumerate(headers):
        name = words.get(_word(header)) or words.get(_word(_IN_BRACKETS.sub("", header)))
        if name and name not in columns.values():
            columns[str(place)] = name
    return columns


def _header(cell: Any) -> str:
    return " ".join(str(cell).split())[:_LONGEST] if cell is not None else ""


def _word(text: str) -> str:
    return bare(text)
