"""The demo city's enterprises: their files, returns, recognitions, products, brands, certificates, support and links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from kangshu.sdk import DemoCity, Resource, code_system, evidence, make_uscc, record, structure


@dataclass(frozen=True, slots=True)
class _Firm:
    """An enterprise: `size` is its turnover in 10,000 yuan, `growth` its growth in a year."""

    id: str
    name: str
    sector: str
    district: str
    size: int
    growth: int
    scale: str = "medium"
    park: str = ""
    unit: str = ""
    founded: int = 2012
    tier: str = ""


_FIRMS = (
    _Firm("chenghu", "云汐澄湖生物制药有限公司", "biopharma", "990102", 23600, 14, "large", "云汐生物医药园", "澄湖生物药物研究院", 2006, "leading"),
    _Firm("baicao", "云汐百草堂药业股份有限公司", "pharma", "990103", 15200, 8, "large", "云汐生物医药园", "百草堂技术中心", 1998, "leading"),
    _Firm("heming", "鹤鸣制药（云汐）有限公司", "pharma", "990102", 6900, 5, park="云汐生物医药园", founded=2009, tier="backbone"),
    _Firm("qingquan", "清泉药用辅料有限公司", "pharma", "990105", 2400, -3, "small", founded=2014),
    _Firm("lingxi", "灵犀医疗器械有限公司", "devices", "990103", 8800, 32, park="江口智造园", unit="灵犀康复工程实验室", founded=2015, tier="high-growth"),
    _Firm("yixing", "易行康复辅具有限公司", "devices", "990104", 3100, 26, "small", unit="易行设计中心", founded=2018, tier="high-growth"),
    _Firm("yunce", "云策健康数据有限公司", "health-data", "990102", 2700, 41, "small", "健康管理产业园", "云策算法实验室", 2020, "start-up"),
    _Firm("zhiyu", "知渔数字医疗有限公司", "health-data", "990102", 900, 55, "micro", "健康管理产业园", founded=2023, tier="start-up"),
    _Firm("songhe", "松鹤智慧养老服务有限公司", "smart-elder-care", "990103", 4200, 22, founded=2016, tier="smart-elder-care"),
    _Firm("anju", "安居颐养科技有限公司", "smart-elder-care", "990104", 1600, 18, "small", founded=2019, tier="smart-elder-care"),
    _Firm("daoxiang", "稻香谷农业发展有限公司", "agro-processing", "990105", 12800, 9, founded=2008, tier="agro-leading"),
    _Firm("zhuwu", "竹坞山珍食品有限公司", "agro-processing", "990106", 5600, 12, founded=2011, tier="agro-leading"),
    _Firm("xilan", "溪岚药材种植专业公司", "tcm", "990106", 3300, 7, founded=2013, tier="backbone"),
    _Firm("wangchuan", "望川康养旅游有限公司", "tourism", "990105", 4700, 15, founded=2014, tier="backbone"),
    _Firm("chapo", "茶坡健康饮品有限公司", "health-food", "990104", 7400, 11, founded=2010, tier="backbone"),
    _Firm("yundong", "云动体育用品有限公司", "sports", "990103", 2900, 6, "small", founded=2017),
)  # fmt: skip
_TIERS = {
    "leading": "龙头企业", "backbone": "骨干企业", "high-growth": "高成长企业", "start-up": "创新型初创企业",
    "agro-leading": "示范农业龙头企业", "smart-elder-care": "智慧健康养老示范企业",
}  # fmt: skip
# How the places of two tiers are shared among the districts (规则 R28 gives the pattern: 3, 3, 2, 2, 2).
_QUOTAS = {"leading": (3, 3, 2, 2, 2), "backbone": (2, 2, 1, 1, 1)}


_CLASSES = {
    "biopharma": ("09", "C2761"), "pharma": ("09", "C2720"), "devices": ("10", "C3586"), "health-data": ("06", "I6450"),
    "smart-elder-care": ("06", "I6513"), "tcm": ("13", "A0171"),
}  # fmt: skip
"""Sector → class of the health-industry statistics, class of GB/T 4754; the rest is left for the office to fill in."""


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield enterprises and what is kept of each of them."""
    for number, firm in enumerate(_FIRMS, 1):
        yield _file(firm, number)
        yield from _returns(city, firm, number)
        if firm.tier:
            yield _recognition(city, firm, number)
    yield from _quotas(city)
    yield from _products(city)
    yield from _brands(city)
    yield from _qualifications(city)
    yield from _supports(city)
    yield from _links()
    yield from _chains(city)
    yield evidence("enterprise-paper-lingxi", "enterprise-lingxi", "展会金奖证书和出口合同")


def _file(firm: _Firm, number: int) -> Resource:
    extensions: list[Resource] = [_ext("district", "Code", firm.district)]
    extensions += [
        _ext(name, "String", text)
        for name, text in (("park", firm.park), ("research-unit", firm.unit))
        if text
    ]
    if firm.sector in _CLASSES:
        statistics, industry = _CLASSES[firm.sector]
        extensions += [_ext("health-industry-class", "Code", statistics), _ext("industry", "Code", industry)]
    extensions.append(_ext("founded", "Date", f"{firm.founded}-0{number % 9 + 1}-12"))
    return {
        "resourceType": "Organization",
        "id": f"enterprise-{firm.id}",
        "active": True,
        "identifier": [
            {
                "system": "http://kangshu.org/fhir/sid/uscc",
                "value": make_uscc("91", firm.district, f"{70000000 + number * 137:08d}"),
            }
        ],
        "name": firm.name,
        "type": [
            {
                "coding": [
                    {"system": code_system("organisation-kind"), "code": "enterprise"},
                    {"system": code_system("enterprise-sector"), "code": firm.sector},
                    {"system": code_system("enterprise-scale"), "code": firm.scale},
                ]
            }
        ],
        "extension": extensions,
    }


def _returns(city: DemoCity, firm: _Firm, number: int) -> Iterator[Resource]:
    """Yield accepted returns of the years before; every sixth enterprise has not made the last one yet."""
    for back in (2, 1):
        if back == 1 and number % 6 == 0:
            continue
        revenue = firm.size * 100 // (100 + firm.growth) if back == 2 else firm.size
        device = revenue * 7 // 10 if firm.sector == "devices" else 0
        figures: list[tuple[str, str, Any]] = [
            ("record-year", "Integer", city.today.year - back),
            ("record-state", "Code", "accepted"),
            ("return-output", "Decimal", Decimal(revenue * 108 // 100)),
            ("return-revenue", "Decimal", Decimal(revenue)),
            ("return-research", "Decimal", Decimal(revenue * (6 if firm.unit else 1) // 100)),
            ("return-staff", "Integer", 20 + revenue // 60),
        ]
        if device:
            figures.append(("return-device-revenue", "Decimal", Decimal(device)))
            figures.append(
                ("return-own-device-revenue", "Decimal", Decimal(device * (50 + 4 * number) // 100))
            )
        if firm.id == "chenghu":
            figures.append(("return-rank", "Integer", 126 - 9 * (2 - back)))
            figures.append(("return-rank-list", "String", "全国医药工业企业榜（演示）"))
        yield _record("enterprise-return", f"{firm.id}-{city.today.year - back}", firm.id, "", figures)


def _recognition(city: DemoCity, firm: _Firm, number: int) -> Resource:
    day = city.today - timedelta(days=120 + 37 * number)
    gone = firm.id == "chapo"
    figures: list[tuple[str, str, Any]] = [
        ("district", "Code", firm.district),
        ("record-class", "Code", firm.tier),
        ("level", "Code", "provincial" if firm.id == "chenghu" else "city"),
        ("record-state", "Code", "withdrawn" if gone else "in-force"),
        ("record-day", "Date", day.isoformat()),
        ("valid-until", "Date", date(day.year + 3, day.month, min(day.day, 28)).isoformat()),
        ("record-document", "String", f"云工信〔{day.year}〕{number}号"),
        ("responsible-organisation", "Reference", {"reference": "Organization/unit-industry"}),
    ]
    if gone:
        figures.append(("record-ended", "Date", city.day(-9)))
        figures.append(("record-reason", "String", "连续两年未达到骨干企业标准"))
    return _record("recognition", firm.id, firm.id, f"{firm.name}（{_TIERS[firm.tier]}）", figures)


def _quotas(city: DemoCity) -> Iterator[Resource]:
    for tier, places in _QUOTAS.items():
        for district, number in zip(city.districts, places, strict=True):
            figures: list[tuple[str, str, Any]] = [
                ("district", "Code", district.code),
                ("record-class", "Code", tier),
                ("quota", "Integer", number),
                ("valid-from", "Date", f"{city.first_day.year}-01-01"),
                ("record-source", "String", "产业培育任务分解表（演示）"),
            ]
            yield _record(
                "recognition-quota",
                f"{tier}-{district.code}",
                "",
                f"{district.name}{_TIERS[tier]}名额",
                figures,
            )


def _products(city: DemoCity) -> Iterator[Resource]:
    rows = (
        ("chenghu", "人凝血因子制剂", "key", True), ("chenghu", "静注免疫球蛋白", "key", True), ("lingxi", "下肢康复机器人", "key", True),
        ("baicao", "百草安神颗粒", "star", True), ("chapo", "山茶植物饮料", "star", False), ("yixing", "轻便助行器", "key", False),
    )  # fmt: skip
    for number, (firm, name, tier, accepted) in enumerate(rows, 1):
        figures: list[tuple[str, str, Any]] = [
            ("record-class", "Code", tier),
            ("evidence-accepted", "Boolean", accepted),
            ("record-day", "Date", city.day(-60 * number)),
        ]
        yield _record("product", str(number), firm, name, figures)


def _brands(city: DemoCity) -> Iterator[Resource]:
    rows = (
        ("wangchuan", "望川古道康养", "brand", "tourism", "city", 900), ("wangchuan", "云汐汤泉", "famous", "tourism", "provincial", 700),
        ("baicao", "百草堂", "time-honoured", "pharma", "provincial", 2400), ("chapo", "茶坡", "trademark", "health-food", "city", 60),
        ("zhuwu", "竹坞冬笋", "geographical", "agro-processing", "national", 1500),
    )  # fmt: skip
    for number, (firm, name, kind, sector, level, left) in enumerate(rows, 1):
        figures: list[tuple[str, str, Any]] = [
            ("record-class", "Code", kind),
            ("sector", "Code", sector),
            ("level", "Code", level),
            ("evidence-accepted", "Boolean", True),
            ("record-day", "Date", city.day(-400 * number)),
            ("valid-until", "Date", city.day(left)),
        ]
        yield _record("brand", str(number), firm, name, figures)


def _qualifications(city: DemoCity) -> Iterator[Resource]:
    rows = (
        ("chenghu", "高新技术企业证书", "high-tech", 600), ("lingxi", "高新技术企业证书", "high-tech", 45), ("yunce", "高新技术企业证书", "high-tech", 800),
        ("zhiyu", "科技型中小企业入库登记", "tech-sme", 200), ("yixing", "科技型中小企业入库登记", "tech-sme", 30), ("songhe", "创新型企业证书", "innovative", 500),
        ("chenghu", "药品生产质量管理规范证书", "gmp", 300), ("daoxiang", "有机产品认证证书", "organic", -12),
    )  # fmt: skip
    for number, (firm, name, kind, left) in enumerate(rows, 1):
        figures: list[tuple[str, str, Any]] = [
            ("record-class", "Code", kind),
            ("licence", "String", f"YX{city.today.year - 2}{number:05d}"),
            ("record-day", "Date", city.day(-(300 + 20 * number))),
            ("valid-until", "Date", city.day(left)),
        ]
        yield _record("qualification", str(number), firm, name, figures)


def _supports(city: DemoCity) -> Iterator[Resource]:
    rows = (
        ("lingxi", "康复机器人首台套补助", "grant", 600000, "新增订单十二台"), ("yunce", "园区三年房租补贴", "grant", 180000, ""),
        ("daoxiang", "冷链仓储贷款贴息", "loan", 320000, "损耗下降，带动周边农户"), ("songhe", "呼叫中心设备补助", "grant", 150000, ""),
    )  # fmt: skip
    for number, (firm, name, kind, amount, result) in enumerate(rows, 1):
        figures: list[tuple[str, str, Any]] = [
            ("record-class", "Code", kind),
            ("amount", "Decimal", Decimal(amount)),
            ("record-day", "Date", city.day(-90 * number)),
            ("record-source", "String", "云汐市健康产业扶持办法（演示）"),
            *([("result", "String", result)] if result else []),
        ]
        yield {
            **_record("support", str(number), firm, name, figures),
            "author": city.unit("industry").reference,
        }


def _links() -> Iterator[Resource]:
    rows = (
        ("xilan", "baicao", "道地药材", 1200), ("qingquan", "heming", "药用辅料", 600), ("qingquan", "baicao", "药用辅料", 400),
        ("lingxi", "songhe", "监测终端", 300), ("zhuwu", "chapo", "植物原料", 500), ("yunce", "anju", "数据服务", 90),
    )  # fmt: skip
    for number, (firm, buyer, name, amount) in enumerate(rows, 1):
        figures: list[tuple[str, str, Any]] = [
            ("record-of", "Reference", {"reference": f"Organization/enterprise-{buyer}"}),
            ("amount", "Decimal", Decimal(amount)),
            ("local", "Boolean", True),
        ]
        yield _record("chain-link", str(number), firm, name, figures)


_CHAINS: dict[str, tuple[tuple[int, str, int, tuple[str, ...]], ...]] = {
    # order, stage, enterprises wanted, who stands there
    "biopharma": (
        (1, "药用辅料与佐剂", 2, ("qingquan",)), (1, "医用材料与零部件", 1, ()), (2, "生物制品", 1, ("chenghu",)),
        (2, "化学药与制剂", 2, ("heming", "baicao")), (2, "康复辅具与器械", 2, ("lingxi", "yixing")),
        (3, "第三方检验检测", 1, ()), (4, "医药流通与冷链", 1, ()),
    ),
    "tcm": (
        (1, "道地药材种植", 1, ("xilan",)), (2, "中药饮片炮制", 1, ()), (3, "中成药制造", 1, ("baicao",)), (4, "药膳与功能饮品", 1, ("chapo", "zhuwu")),
    ),
    "elder-care": (
        (1, "适老用品与辅具", 1, ("yixing", "lingxi")), (2, "智慧养老平台", 2, ("songhe", "anju")), (3, "养老机构连锁运营", 1, ()), (3, "康养旅居", 1, ("wangchuan",)),
    ),
    "health-data": (
        (1, "数据采集终端", 1, ("lingxi",)), (2, "数据治理与可信流通", 1, ()), (3, "健康管理应用", 3, ("yunce", "zhiyu")),
    ),
    "food": (
        (1, "原料种植", 1, ("zhuwu", "daoxiang")), (2, "精深加工", 2, ("daoxiang", "chapo")), (3, "品牌营销与电商", 1, ()),
    ),
}  # fmt: skip


def _chains(city: DemoCity) -> Iterator[Resource]:
    """Yield the stages of the chains, and which enterprises stand in them."""
    names = {firm.id: firm for firm in _FIRMS}
    for chain, stages in _CHAINS.items():
        for number, (order, name, wanted, firms) in enumerate(stages, 1):
            id_ = f"chain-stage-{chain}-{number}"
            yield {
                "resourceType": "ActivityDefinition",
                "id": id_,
                "status": "active",
                "title": name,
                "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "chain-stage"}]}],
                "extension": [
                    _ext("district", "Code", city.code),
                    _ext("chain", "Code", chain),
                    _ext("chain-order", "Integer", order),
                    _ext("wanted", "Integer", wanted),
                ],
            }
            for firm in firms:
                figures: list[tuple[str, str, Any]] = [
                    ("district", "Code", names[firm].district),
                    ("record-of", "Reference", {"reference": f"ActivityDefinition/{id_}", "display": name}),
                    ("record-day", "Date", f"{city.first_day.year}-01-01"),
                ]
                yield _record("chain-place", f"{chain}-{number}-{firm}", firm, name, figures)


def _record(kind: str, key: str, firm: str, name: str, figures: list[tuple[str, str, Any]]) -> Resource:
    subject = f"Organization/enterprise-{firm}" if firm else ""
    return record(kind, f"{kind}-{key}", figures, name=name, subject=subject)


def _ext(name: str, type_: str, value: Any) -> Resource:
    return {"url": structure(name), f"value{type_}": value}
