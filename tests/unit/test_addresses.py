"""Spellings of one address give one key; what is not certain gives none."""

import pytest

from minewatch.attribute.addresses import parse_address
from minewatch.attribute.gazetteer import Gazetteer, PlaceKeys
from minewatch.attribute.names import is_public_body, name_key, uscc_key

HANYUAN = "511823"
KNOWN = (
    "四川省雅安市汉源县富林镇江汉大道二段123号",
    "四川省雅安市汉源县九襄镇民主村3组12号",
    "四川省雅安市汉源县富林镇阳光小区3栋1单元501室",
    "四川省雅安市汉源县富林镇解放路1号",
    "四川省雅安市汉源县九襄镇解放路1号",
)


def keys(text: str, region: str | None = HANYUAN) -> PlaceKeys:
    gazetteer = Gazetteer([parse_address(known) for known in KNOWN], [HANYUAN] * len(KNOWN))
    return gazetteer.keys(parse_address(text), region)


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "四川省雅安市汉源县富林镇江汉大道二段123号",
            "汉源县富林镇江汉大道2段123号",
            "汉源富林镇江汉大道二段123號",
            "富林江汉大道2段123号",
            "江汉大道二段123号",
            "四川雅安汉源富林镇 江汉大道 二段 123号",
            "富林镇江汉大道二段一百二十三号",
        ),
        (
            "汉源县九襄镇民主村3组12号",
            "九襄镇民主村三社12号",
            "汉源九襄民主3组十二号",
            "九襄镇民主村委会3组12号",
        ),
        (
            "富林镇阳光小区3栋1单元501室",
            "阳光小区3号楼1单元501号",
            "汉源县富林镇迎宾路8号阳光小区3幢1单元501",
            "阳光小区3-1-501",
        ),
        ("汉源县工业园区创业路8号", "创业路8号门面"),
        ("No. 12, Jianghan Road, Fulin Town", "12 Jianghan Rd, Fulin Town", "12 jianghan lu, fulin zhen"),
    ],
)
def test_spellings_of_one_door_have_one_key(spellings: tuple[str, ...]) -> None:
    doors = {keys(text).door for text in spellings}
    assert len(doors) == 1
    assert doors != {None}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("阳光小区3栋1单元501室", "阳光小区3栋1单元502室"),
        ("江汉大道二段123号", "江汉大道三段123号"),
        ("民主村3组12号", "民主村4组12号"),
        ("江汉大道二段123号", "江汉大道二段123号附2号"),
        ("阳光小区一期3栋101", "阳光小区二期3栋101"),
        ("创业路8号A座", "创业路8号B座"),
    ],
)
def test_neighbours_are_kept_apart(first: str, second: str) -> None:
    doors = keys(first).door, keys(second).door
    assert doors[0] != doors[1]
    assert None not in doors


@pytest.mark.parametrize(
    ("text", "region", "refusal"),
    [
        ("朝阳区建国路88号", None, "address_region_unknown"),
        ("解放路1号", HANYUAN, "address_town_ambiguous"),
        ("江汉大道", HANYUAN, "address_incomplete"),
        ("", HANYUAN, "address_incomplete"),
        ("富林镇中心小学对面", HANYUAN, "address_relative"),
        ("水电站厂房旁", HANYUAN, "address_relative"),
    ],
)
def test_a_guess_is_refused(text: str, region: str | None, refusal: str) -> None:
    assert keys(text, region).door is None
    assert keys(text, region).refusal == refusal


def test_the_county_in_the_text_stands_for_a_missing_code() -> None:
    assert keys("汉源县富林镇解放路1号", None) == keys("富林镇解放路1号")


def test_a_flat_without_room_has_a_building_but_no_door() -> None:
    flat = keys("阳光小区3栋1单元")
    assert flat.door is None
    assert flat.premises == keys("阳光小区3栋1单元501室").premises


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("汉源云上数据有限责任公司", "汉源云上数据有限公司"),
        ("雅安市云算科技股份有限公司", "云算科技有限公司(分公司)"),
        ("HANYUAN DATA CO., LTD.", "Hanyuan Data Limited"),
        ("四川省雅安市汉源县富林养殖专业合作社", "富林养殖合作社"),
    ],
)
def test_company_forms_and_places_are_stripped_from_names(first: str, second: str) -> None:
    assert name_key(first) == name_key(second)
    assert name_key(first)


@pytest.mark.parametrize("name", ["张*", "", None, "有限公司"])
def test_no_name_is_made_of_nothing(name: str | None) -> None:
    assert name_key(name) is None


def test_credit_codes_are_checked() -> None:
    assert uscc_key(" 91510000MA62K0XX8D ") is None
    assert uscc_key("91350100M000100Y43") == "91350100M000100Y43"  # the example of GB 32100-2015
    assert uscc_key("91350100m000100y43") == "91350100M000100Y43"
    assert uscc_key("91350100M000100Y44") is None


def test_public_bodies_are_known_by_code_or_name() -> None:
    assert is_public_body("汉源县富林镇中心小学", None)
    assert is_public_body("某某", "12100000400000624D") == (uscc_key("12100000400000624D") is not None)
    assert not is_public_body("某某", "91350100M000100Y43")
    assert not is_public_body("汉源云上数据有限公司", None)
