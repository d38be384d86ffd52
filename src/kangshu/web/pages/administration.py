"""系统管理: organisations, divisions and services."""

from __future__ import annotations

from starlette.responses import Response

from kangshu.api import text_of
from kangshu.web.lookup import divisions
from kangshu.web.pages.listing import listing
from kangshu.web.parts import Cell
from kangshu.web.visit import Visit


async def organisations(visit: Visit) -> Response:
    """Show the organisations that the visitor sees."""
    words, places = visit.words, await divisions(visit)
    found = await visit.platform.store.search_all(visit.grant, "Organization", "")
    rows = []
    for one in sorted(found, key=lambda item: str(item.get("name", ""))):
        district = next(
            (
                str(ext.get("valueCode", ""))
                for ext in one.get("extension", ())
                if str(ext.get("url", "")).endswith("/district")
            ),
            "",
        )
        code = next((str(identifier.get("value", "")) for identifier in one.get("identifier", ())), "")
        rows.append(
            [
                Cell(str(one.get("name", "")), sub="、".join(one.get("alias", ())[:3])),
                Cell(text_of(one.get("type"))),
                Cell(places.get(district, district)),
                Cell(code),
            ]
        )
    link = next(
        (
            f"/registers/{one.code}"
            for one in visit.platform.registers.declarations
            if one.resource_type == "Organization"
        ),
        "",
    )
    return listing(visit, words("机构管理"), words("单位别名用于识别规划文件中的简称；新增与批量导入在机构台账中进行。"),
                 [words("名称"), words("类型"), words("区域"), words("统一社会信用代码")], rows, words("没有机构"),
                 buttons=[(words("Excel 导入"), f"{link}/import", False), (words("机构台账"), link, True)] if link else ())  # fmt: skip


async def division_list(visit: Visit) -> Response:
    """Show the divisions of the city: districts, towns, communities."""
    words, places = visit.words, await divisions(visit)
    levels = {6: words("区县"), 9: words("乡镇街道"), 12: words("村居")}
    city = visit.platform.settings.jurisdiction
    rows = [
        [
            Cell(code),
            Cell(name),
            Cell(words("市") if code == city else levels.get(len(code), "")),
            Cell(
                places.get(city if len(code) == 6 else code[: {9: 6, 12: 9}.get(len(code), 0)], "")
                if code != city
                else ""
            ),
        ]
        for code, name in places.items()
    ]
    return listing(
        visit,
        words("行政区划"),
        words("区划代码按 GB/T 2260；机构、账号和统计都按它划分范围。"),
        [words("区划代码"), words("名称"), words("级别"), words("上级")],
        rows,
        words("没有行政区划"),
        buttons=[(words("Excel 导入"), "/admin/import/divisions", True)],
    )


async def services(visit: Visit) -> Response:
    """Show the services that are installed and what each brings."""
    words = visit.words
    rows = [
        [
            Cell(words.of(one.title), sub=one.id),
            Cell("、".join(one.systems)),
            Cell(str(len(one.registers))),
            Cell(str(len(one.cases))),
            Cell(str(len(one.measures))),
            Cell(str(len(one.parameters))),
            Cell(words.of(one.help)),
            Cell(
                words("未核对")
                if one.lacks is None
                else "；".join(words.of(lack.text) for lack in one.lacks) or words("齐全")
            ),
        ]
        for one in visit.platform.services
    ]
    return listing(visit, words("服务目录"), words("每项城市服务是一个目录：台账、办件、指标、参数都由声明生成。"),
                 [words("服务"), words("对应系统"), words("台账"), words("办件"), words("指标"), words("参数"), words("说明"), words("尚缺")],
                 rows, words("没有安装服务"))  # fmt: skip
