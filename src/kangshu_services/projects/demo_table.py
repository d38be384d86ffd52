"""The projects of the demo city as a table. All names are made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from kangshu.sdk import DemoCity

OWNERS = {
    "yikang": ("云汐颐康建设有限公司", "990102"),
    "qiming": ("云汐启明生物科技有限公司", "990103"),
    "lansong": ("岚松文旅发展有限公司", "990104"),
    "daoxiang": ("望川稻香食品有限公司", "990105"),
}
"""Key → name and district of the enterprises that own projects."""


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A project: investment in 10,000 CNY, planned years from today; `built` is how far it has come, "" not in the library.

    `owner` is a key of OWNERS or the id of an organisation of the city; `unit` a government unit.
    """

    id: str
    name: str
    field: str
    place: str
    owner: str
    unit: str
    investment: int
    begin: float
    end: float
    built: str = ""
    tier: str = "ordinary"
    late: bool = False
    demonstration: str = "none"
    milestone: str = ""
    content: str = "建设主体工程、配套设施和信息化系统。"

    def owner_of(self, city: DemoCity) -> str:
        """Return the id of the owner's organisation."""
        return f"project-owner-{self.owner}" if self.owner in OWNERS else city.organisation(self.owner).id


def stages_of(one: DemoProject, today: date) -> tuple[date, date]:
    """Return the planned days of beginning and operation."""
    return today + timedelta(days=round(one.begin * 365)), today + timedelta(days=round(one.end * 365))


_BUILT = (
    DemoProject("project-01", "云湖康养综合体", "elder-care", "990102001001", "yikang", "civil-affairs", 86000, -1.6, 0.9, "under-construction", "major", content="护理床位800张、康复医院和社区服务中心，建筑面积12万平方米。"),
    DemoProject("project-02", "市中医医院传承创新中心", "tcm", "990102002001", "hospital-yunxi-tcm", "health-commission", 42000, -1.1, 0.8, "under-construction", "key"),
    DemoProject("project-03", "汐江滨江健康步道", "sports", "990103001001", "government-990103", "sports", 6800, -1.9, -0.3, "in-operation"),
    DemoProject("project-04", "汐江生物医药产业园一期", "biopharma", "990103101001", "qiming", "industry", 128000, -1.3, 1.2, "under-construction", "major", late=True, content="疫苗和抗体药物中试平台、标准厂房20万平方米。"),
    DemoProject("project-05", "青岚茶旅康养小镇", "tourism", "990104101002", "lansong", "culture-tourism", 35000, -0.9, 1.1, "under-construction", "key"),
    DemoProject("project-06", "青岚道地药材加工基地", "tcm", "990104101003", "lansong", "agriculture", 18600, -0.8, 0.7, "under-construction", "key", late=True),
    DemoProject("project-07", "望川智慧养老服务平台", "health-data", "990105001001", "government-990105", "civil-affairs", 3200, -1.2, -0.4, "in-operation", demonstration="candidate"),
    DemoProject("project-08", "望川稻香功能食品厂", "food", "990105101001", "daoxiang", "industry", 9800, -0.6, 0.9, "under-construction"),
    DemoProject("project-09", "松屏森林康养基地", "tourism", "990106101002", "lansong", "culture-tourism", 15200, 0.2, 1.8, "preparing", "key"),
    DemoProject("project-10", "松屏县人民医院迁建", "medical", "990106101001", "hospital-songping", "health-commission", 52000, -1.4, 0.6, "under-construction", "key", milestone="松屏县人民医院新院投入运营"),
    DemoProject("project-11", "云湖全民健身中心", "sports", "990102003001", "yikang", "sports", 13800, -2.2, -0.2, "in-operation", "key", milestone="云湖全民健身中心投入运营"),
    DemoProject("project-12", "市健康大数据应用中心", "health-data", "990102001002", "unit-data", "data", 7600, -0.7, 0.8, "under-construction", demonstration="candidate"),
    DemoProject("project-13", "潮音康复辅具产业园", "biopharma", "990103002002", "qiming", "industry", 24500, -0.5, 1.4, "under-construction", "key"),
    DemoProject("project-14", "云汐国际医学中心", "medical", "990102003002", "yikang", "health-commission", 210000, 0.3, 3.4, "preparing", "major", content="综合医院、国际诊疗中心和医学培训基地，床位1000张。"),
    DemoProject("project-15", "芦荡湿地疗养度假区", "tourism", "990103101002", "lansong", "culture-tourism", 46000, 0.4, 2.6, "preparing"),
    DemoProject("project-16", "青岚区长者护理院扩建", "elder-care", "990104001001", "elder-qinglan-nursing", "civil-affairs", 8600, -0.9, 0.4, "under-construction", late=True),
    DemoProject("project-17", "望川区中医馆群", "tcm", "990105001002", "government-990105", "health-commission", 2600, -0.8, 0.3, "under-construction", "key"),
    DemoProject("project-18", "汐江数字疗法试验区", "health-data", "990103002001", "qiming", "data", 4300, -1.0, -0.1, "in-operation", demonstration="candidate"),
)  # fmt: skip
_PLANNED = (
    DemoProject("project-41", "竹坞中药饮片厂", "tcm", "990106201001", "lansong", "agriculture", 11000, 0.5, 2.0),
    DemoProject("project-42", "云湖老年大学新校区", "elder-care", "990102002002", "yikang", "civil-affairs", 5400, 0.6, 1.7),
    DemoProject("project-43", "江口国际康复医院", "medical", "990103001002", "qiming", "health-commission", 68000, 0.5, 3.0),
    DemoProject("project-44", "望川运动康复公园", "sports", "990105001003", "government-990105", "sports", 7200, 0.4, 1.5),
)  # fmt: skip
_TOWNS = (
    ("990102001", "望湖"), ("990102002", "印月"), ("990103001", "江口"), ("990103101", "沙洲"), ("990104001", "青岚"),
    ("990104101", "茶坡"), ("990105101", "稻香"), ("990106201", "竹坞"),
)  # fmt: skip
_SMALL = tuple(
    DemoProject(
        f"project-{number}", f"{name}社区康养驿站", "elder-care", f"{town}001", f"government-{town[:6]}", "civil-affairs",
        900 + 60 * number, -0.6 + number % 5 * 0.05, 0.3 + number % 4 * 0.1, "under-construction",
    )
    for number, (town, name) in enumerate(_TOWNS, 21)
)  # fmt: skip
PROJECTS = (*_BUILT, *_SMALL, *_PLANNED)
