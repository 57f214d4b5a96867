"""Agencies and accounts of a demonstration: from the nation to the two counties that the simulator makes."""

from typing import NamedTuple

from django.db import transaction

from minewatch.office.platform.models import Agency, User
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.services import AccountGiven, AgencyGiven, By, add_agency, open_account


class _Place(NamedTuple):
    code: str
    zh: str
    en: str
    level: str


_PLACES = (
    _Place("100000", "国家", "National", "nation"),
    _Place("510000", "四川省", "Sichuan", "province"),
    _Place("511800", "雅安市", "Ya'an", "city"),
    _Place("511823", "汉源县", "Hanyuan", "county"),
    _Place("511824", "石棉县", "Shimian", "county"),
)
_AGENCIES: dict[str, tuple[str, str, str]] = {
    "reform": ("nation province city county", "发展和改革委员会", "Development and Reform"),
    "energy": ("nation province city", "能源局", "Energy Bureau"),
    "industry": ("province city county", "工业和信息化局", "Industry and Information Technology"),
    "cyberspace": ("province city", "互联网信息办公室", "Cyberspace Administration"),
    "finance": ("province", "金融监督管理局", "Financial Regulation"),
    "treasury": ("province", "财政厅", "Public Finance"),
    "tax": ("province city", "税务局", "Taxation"),
    "market": ("province city county", "市场监督管理局", "Market Regulation"),
    "communications": ("province", "通信管理局", "Communications Administration"),
    "grid": ("province city county", "供电公司", "Grid Company"),
    "carrier-a": ("province city", "电信运营商甲", "Carrier A"),
    "carrier-b": ("province city", "电信运营商乙", "Carrier B"),
    "inspectorate": ("province", "能源监管办公室", "Energy Inspectorate"),
    "government": ("city county", "人民政府", "People's Government"),
}


class DemoAccount(NamedTuple):
    """An account of the demonstration and what it is for."""

    username: str
    agency: str
    roles: tuple[Role, ...] = ()
    administers: Administrator | None = None
    full_name: str = ""


ACCOUNTS = (
    DemoAccount("nation", "reform-100000", (Role.VIEWER,), full_name="国家 查看"),
    DemoAccount("province", "energy-510000", (Role.OFFICER, Role.ANALYST), full_name="省 承办人"),
    DemoAccount("chief", "energy-510000", (Role.SUPERVISOR,), full_name="省 负责人"),
    DemoAccount("city", "reform-511800", (Role.OFFICER,), full_name="市 承办人"),
    DemoAccount("county", "reform-511823", (Role.OFFICER, Role.INSPECTOR), full_name="县 承办人"),
    DemoAccount("county-chief", "reform-511823", (Role.SUPERVISOR,), full_name="县 负责人"),
    DemoAccount("inspector", "market-511823", (Role.INSPECTOR,), full_name="检查员甲"),
    DemoAccount("inspector-2", "industry-511823", (Role.INSPECTOR,), full_name="检查员乙"),
    DemoAccount("grid", "grid-511823", (Role.OFFICER, Role.ANALYST), full_name="供电 承办人"),
    DemoAccount("carrier", "carrier-a-511800", (Role.OFFICER,), full_name="运营商 承办人"),
    DemoAccount("clerk", "reform-511823", (Role.CLERK,), full_name="录入员"),
    DemoAccount("system", "energy-510000", administers=Administrator.SYSTEM, full_name="系统管理员"),
    DemoAccount("security", "energy-510000", administers=Administrator.SECURITY, full_name="安全管理员"),
    DemoAccount("security-2", "energy-510000", administers=Administrator.SECURITY, full_name="安全管理员乙"),
    DemoAccount("audit", "energy-510000", administers=Administrator.AUDIT, full_name="审计管理员"),
)
"""In the order in which they are shown."""


def agencies() -> list[AgencyGiven]:
    """Return the agencies of the demonstration; a code is the kind and the region's."""
    return [
        AgencyGiven(f"{key}-{place.code}", key.split("-")[0], place.zh + zh, place.code, f"{place.en} {en}")
        for key, (levels, zh, en) in _AGENCIES.items()
        for place in _PLACES
        if place.level in levels.split()
    ]


@transaction.atomic
def make(password: str, by: By) -> list[DemoAccount]:
    """Add the agencies and accounts that are not there yet, all with ``password``; return all accounts.

    The regions come from the table (``regions.load_table``).
    """
    known = set(Agency.objects.values_list("code", flat=True))
    for agency in agencies():
        if agency.code not in known:
            add_agency(agency, by)
    taken = set(User.objects.values_list("username", flat=True))
    for account in ACCOUNTS:
        if account.username not in taken:
            values = account._asdict() | {"password": password}
            open_account(AccountGiven(**values), by)
    return list(ACCOUNTS)
