"""The demo city's kinds of designation, their criteria and quotas, places, designations, pilots and lessons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from kangshu.sdk import DemoCity, Resource, code_system, record, structure

_KINDS = (
    ("medical-elder-unit", "医养结合示范单位", "site", 1), ("medical-elder-site", "医养结合示范点", "site", 5),
    ("tourism-cluster", "健康旅游集聚区", "park", 5), ("themed-town", "健康主题小镇", "town", 3),
    ("industry-town", "健康产业特色小镇", "town", 8), ("demonstration-base", "健康产业示范基地", "base", 12),
    ("elder-institution", "养老服务示范机构", "site", 0), ("rural-elder-centre", "区域性农村养老服务中心", "site", 0),
    ("liveable-community", "老年人宜居社区", "community", 0), ("elder-town", "养生养老小镇", "town", 2),
    ("characteristic-town", "大健康特色小镇", "town", 0), ("happy-village", "大健康幸福乡村", "community", 0),
    ("wellness-town", "康养小镇", "town", 5), ("sports-town", "体育小镇", "town", 2),
    ("service-centre", "示范性综合性社区服务中心", "site", 0), ("day-care-centre", "示范性城市社区日间照料中心", "site", 0),
    ("day-care-county", "农村老年人日间照料示范县", "county", 0), ("day-care-village", "农村老年人日间照料示范村", "community", 0),
    ("smart-care-enterprise", "智慧健康养老示范企业", "enterprise", 0), ("living-town", "健康养生特色小镇", "town", 10),
    ("summer-base", "避暑度假养生基地", "base", 5), ("leisure-base", "休闲观光养生基地", "base", 25),
    ("tcm-base", "中药养生示范基地", "base", 5), ("mountain-base", "山地户外运动基地", "base", 4),
    ("one-village-one-product", "一村一品示范村", "community", 50), ("agro-leader", "示范龙头企业", "enterprise", 30),
    ("agro-park", "现代农业示范园区", "park", 20), ("leading-zone", "大健康产业引领示范区", "city", 0),
    ("smart-care-base", "智慧健康养老应用示范基地", "base", 0), ("data-centre", "健康管理数据示范中心", "site", 0),
    ("fitness-city", "全民运动健身模范市", "city", 0), ("tcm-rehab-base", "中医康复示范基地", "base", 0),
    ("health-data-project", "健康管理数据应用示范项目", "project", 5),
)  # fmt: skip
"""Code, name, group, planned number (0: none is planned)."""
_CRITERIA = (
    ("组织领导与规划", 15, "实施方案、工作机构"), ("产业基础", 30, "企业、项目、产值"), ("特色与示范性", 25, "特色产品、带动作用"),
    ("设施与环境", 20, "设施清单、照片"), ("长效机制", 10, "制度、资金安排"),
)  # fmt: skip
_SCORED = ("industry-town", "demonstration-base", "medical-elder-unit", "happy-village")
# Places of a kind per district in the city's order: 规则 R28 gives the pattern. A pair is a range.
_QUOTAS: dict[str, tuple[tuple[int, int], ...]] = {
    "industry-town": ((3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
    "demonstration-base": ((3, 3), (3, 3), (2, 2), (2, 2), (2, 2)),
    "happy-village": ((0, 0), (1, 2), (1, 2), (1, 2), (1, 2)),
}
_SITES = (
    ("wanghu-town", "望湖健康小镇", "town", "990102", "990102001"), ("yinyue-base", "印月医养产业基地", "base", "990102", "990102002"),
    ("guiyuan-community", "桂苑宜居社区", "community", "990102", "990102003"), ("jiangkou-park", "江口健康产业园", "park", "990103", "990103001"),
    ("chaoyin-town", "潮音运动小镇", "town", "990103", "990103002"), ("shazhou-base", "沙洲湿地养生基地", "base", "990103", "990103101"),
    ("chapo-town", "茶坡康养小镇", "town", "990104", "990104101"), ("yunwu-village", "云雾村", "village", "990104", "990104101"),
    ("daoxiang-town", "稻香养生小镇", "town", "990105", "990105101"), ("shuiche-village", "水车村", "village", "990105", "990105101"),
    ("songping-base", "松屏药谷基地", "base", "990106", "990106101"), ("zhuwu-village", "竹坞村", "village", "990106", "990106201"),
    ("welfare-site", "市社会福利院医养中心", "institution", "990102", "990102001"), ("qinglan-county", "青岚区（整区）", "county", "990104", "990104001"),
)  # fmt: skip
_MADE = (
    # kind, place, level, days since, days left, state
    ("industry-town", "wanghu-town", "city", 500, 600), ("industry-town", "chapo-town", "provincial", 420, 700), ("industry-town", "daoxiang-town", "city", 300, 800),
    ("wellness-town", "chapo-town", "city", 380, 700), ("elder-town", "daoxiang-town", "city", 200, 900), ("sports-town", "chaoyin-town", "city", 260, 840),
    ("themed-town", "wanghu-town", "city", 450, 640), ("demonstration-base", "yinyue-base", "city", 400, 690), ("demonstration-base", "jiangkou-park", "provincial", 350, 740),
    ("demonstration-base", "songping-base", "city", 900, 190), ("tcm-base", "songping-base", "city", 610, 480), ("leisure-base", "shazhou-base", "city", 320, 770),
    ("happy-village", "yunwu-village", "city", 240, 850), ("happy-village", "shuiche-village", "city", 220, 870), ("one-village-one-product", "zhuwu-village", "city", 150, 940),
    ("medical-elder-unit", "welfare-site", "provincial", 700, 390), ("medical-elder-site", "welfare-site", "city", 690, 400), ("liveable-community", "guiyuan-community", "city", 130, 960),
    ("day-care-county", "qinglan-county", "city", 1010, 80), ("tourism-cluster", "jiangkou-park", "city", 180, 910),
)  # fmt: skip


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield what the offices keep of designations and pilots."""
    for code, name, group, places in _KINDS:
        yield _kind(code, name, group, places)
    for code in _SCORED:
        for number, (criterion, weight, evidence) in enumerate(_CRITERIA, 1):
            yield _criterion(city, code, number, criterion, weight, evidence)
    yield from _quotas(city)
    for site in _SITES:
        yield _site(city, *site)
    for number, made in enumerate(_MADE, 1):
        yield _designation(city, number, *made)
    yield from _projects(city)
    yield from _pilots(city)


def _kind(code: str, name: str, group: str, places: int) -> Resource:
    figures: list[tuple[str, str, Any]] = [
        ("designation-group", "Code", group),
        ("verified", "Boolean", code in _SCORED),
        ("validity-months", "Integer", 36),
        ("validity", "String", "3年"),
    ]
    if places:
        figures.append(("quota", "Integer", places))
    return {
        "resourceType": "ActivityDefinition",
        "id": f"designation-{code}",
        "status": "active",
        "name": code,
        "title": name,
        "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "designation"}]}],
        "publisher": "云汐市发展和改革委员会",
        "usage": "市级；符合条件的推荐申报省级、国家级",
        "description": "有实施方案和工作机构；产业或服务基础扎实；有可复制的做法；设施齐全；有长效机制。（演示标准）",
        "purpose": "产业规划示范创建任务（演示）",
        "extension": [_ext(one, type_, value) for one, type_, value in figures],
    }


def _criterion(city: DemoCity, code: str, number: int, name: str, weight: int, evidence: str) -> Resource:
    figures: list[tuple[str, str, Any]] = [
        ("district", "Code", city.code),
        ("record-of", "Reference", {"reference": f"ActivityDefinition/designation-{code}"}),
        ("weight", "Decimal", Decimal(weight)),
        ("evidence-asked", "String", evidence),
    ]
    made = _record("designation-standard", f"{code}-{number}", name, figures)
    return {**made, "author": city.unit("development-reform").reference}


def _quotas(city: DemoCity) -> Iterator[Resource]:
    names = {code: name for code, name, *_ in _KINDS}
    for code, places in _QUOTAS.items():
        for district, (least, most) in zip(city.districts, places, strict=True):
            if not most:
                continue
            figures: list[tuple[str, str, Any]] = [
                ("district", "Code", district.code),
                ("record-of", "Reference", {"reference": f"ActivityDefinition/designation-{code}"}),
                ("quota", "Integer", least),
                *([("quota-most", "Integer", most)] if most > least else []),
                ("valid-from", "Date", f"{city.first_day.year}-01-01"),
                ("record-source", "String", "示范创建任务分解表（演示）"),
            ]
            yield _record(
                "designation-quota", f"{code}-{district.code}", f"{district.name}{names[code]}名额", figures
            )


def _site(city: DemoCity, key: str, name: str, kind: str, district: str, town: str) -> Resource:
    return {
        "resourceType": "Location",
        "id": f"site-{key}",
        "status": "active",
        "mode": "instance",
        "name": name,
        "type": [{"coding": [{"system": code_system("site-kind"), "code": kind}]}],
        "managingOrganization": {"reference": f"Organization/government-{district}"},
        "position": city.position(town, key),
        "extension": [_ext("district", "Code", town)],
    }


def _designation(
    city: DemoCity, number: int, code: str, site: str, level: str, since: int, left: int
) -> Resource:
    names = {one: name for one, name, *_ in _KINDS}
    place = next(one for one in _SITES if one[0] == site)
    day, until = city.today - timedelta(days=since), city.today + timedelta(days=left)
    figures: list[tuple[str, str, Any]] = [
        ("district", "Code", place[3]),
        ("record-of", "Reference", {"reference": f"ActivityDefinition/designation-{code}"}),
        ("record-class", "Code", code),
        ("level", "Code", level),
        ("record-state", "Code", "in-force"),
        ("record-day", "Date", day.isoformat()),
        ("valid-until", "Date", until.isoformat()),
        ("review-on", "Date", (until - timedelta(days=90)).isoformat()),
        ("responsible-organisation", "Reference", {"reference": "Organization/unit-development-reform"}),
    ]
    made = _record("designation", str(number), f"{place[1]}（{names[code]}）", figures)
    return {
        **made,
        "identifier": [
            {"system": "http://kangshu.org/fhir/sid/plaque", "value": f"YX-{day.year}-{number:03d}"}
        ],
        "subject": {"reference": f"Location/site-{site}"},
        "author": {"reference": f"Organization/government-{place[3]}"},
    }


def _projects(city: DemoCity) -> Iterator[Resource]:
    """Yield the designations whose object is a project of the library and no place."""
    for project, name, district, since in _PROJECTS:
        figures: list[tuple[str, str, Any]] = [
            ("district", "Code", district),
            ("record-of", "Reference", {"reference": "ActivityDefinition/designation-health-data-project"}),
            ("record-about", "Reference", {"reference": f"Basic/{project}", "display": name}),
            ("record-class", "Code", "health-data-project"),
            ("level", "Code", "city"),
            ("record-state", "Code", "in-force"),
            ("record-day", "Date", city.day(-since)),
            ("valid-until", "Date", city.day(1095 - since)),
            ("review-on", "Date", city.day(1005 - since)),
            ("responsible-organisation", "Reference", city.unit("health-commission").reference),
        ]
        made = _record("designation", project, f"{name}（健康管理数据应用示范项目）", figures)
        plaque = f"YX-{(city.today - timedelta(days=since)).year}-SJ{project[-2:]}"
        yield {
            **made,
            "identifier": [{"system": "http://kangshu.org/fhir/sid/plaque", "value": plaque}],
            "author": {"reference": f"Organization/government-{district}"},
        }


_PROJECTS = (
    ("project-07", "望川智慧养老服务平台", "990105", 70),
    ("project-18", "汐江数字疗法试验区", "990103", 30),
)
_PILOTS = (
    # kind, name, county, place, days since, days left, state, agreement
    ("medical-elder-cooperation", "云湖医院—福利院协作试点", "990102", "welfare-site", 300, 400, "running", "006"),
    ("medical-elder-cooperation", "望川夕阳红医养协作试点", "990105", "", 280, 420, "running", "002"),
    ("public-built-reform", "青岚护理院公建民营试点", "990104", "", 760, -40, "spread", ""),
    ("health-management-county", "青岚区健康管理试点", "990104", "qinglan-county", 200, 500, "running", ""),
    ("health-management-county", "松屏县健康管理试点", "990106", "", 90, 600, "running", ""),
    ("medical-elder-cooperation", "汐江鹭鹤医养协作试点", "990103", "", 20, 600, "running", ""),
)  # fmt: skip


def _pilots(city: DemoCity) -> Iterator[Resource]:
    for number, (kind, name, district, site, since, left, state, agreement) in enumerate(_PILOTS, 1):
        figures: list[tuple[str, str, Any]] = [
            ("district", "Code", district),
            ("record-class", "Code", kind),
            ("record-state", "Code", state),
            ("record-day", "Date", city.day(-since)),
            ("valid-until", "Date", city.day(left)),
            ("design", "String", "明确责任分工、服务流程和考核指标，按季度报告。"),
        ]
        if agreement:
            figures.append(("agreement", "Reference", {"reference": f"Contract/medical-elder-{agreement}"}))
        made = {
            **_record("pilot", str(number), name, figures),
            "author": {"reference": f"Organization/government-{district}"},
        }
        yield {**made, **({"subject": {"reference": f"Location/site-{site}"}} if site else {})}
    yield from _prepared(city)
    lesson: list[tuple[str, str, Any]] = [
        ("district", "Code", "990104"),
        ("record-of", "Reference", {"reference": "Basic/pilot-3"}),
        ("record-day", "Date", date(city.today.year, 1, 8).isoformat()),
        ("result", "String", "政府建设、社会运营，收费与服务质量挂钩，保底床位写入合同。"),
        ("spread-to", "String", "全市公建养老机构"),
        ("adopters", "Integer", 3),
    ]
    yield {
        **_record("lesson", "1", "公建民营“保底床位+质量挂钩”", lesson),
        "author": {"reference": "Organization/government-990104"},
    }


def _prepared(city: DemoCity) -> Iterator[Resource]:
    """Yield the office and experts of one pilot county; the other has its office and not yet experts enough."""
    for pilot, district, name, experts in (
        ("4", "990104", "青岚区", (1, 2, 7)),
        ("5", "990106", "松屏县", (3,)),
    ):
        of = ("record-of", "Reference", {"reference": f"Basic/pilot-{pilot}"})
        office: list[tuple[str, str, Any]] = [
            of,
            ("district", "Code", district),
            ("head", "String", "分管副区长" if name.endswith("区") else "分管副县长"),
            ("document-number", "String", f"{name[:2]}政办函〔{city.today.year}〕{pilot}号"),
            ("record-day", "Date", city.day(-80)),
        ]
        yield {
            **_record("pilot-office", pilot, f"{name}健康管理试点办公室", office),
            "author": {"reference": f"Organization/government-{district}"},
        }
        for place, expert in enumerate(experts):
            held: list[tuple[str, str, Any]] = [
                of,
                ("district", "Code", district),
                ("record-class", "Code", "member" if place else "chair"),
                ("record-day", "Date", city.day(-70)),
            ]
            yield {
                **_record("pilot-expert", f"{pilot}-{expert}", "", held),
                "subject": {"reference": f"Practitioner/expert-{expert:02d}"},
            }


def _record(kind: str, key: str, name: str, figures: list[tuple[str, str, Any]]) -> Resource:
    return record(kind, f"{kind}-{key}", figures, name=name)


def _ext(name: str, type_: str, value: Any) -> Resource:
    return {"url": structure(name), f"value{type_}": value}
