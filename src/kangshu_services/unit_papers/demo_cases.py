"""A letter that the sports bureau handles inside, from registration to filing."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCase, DemoCity, DemoMove


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield a letter from the health commission that the bureau has answered on paper."""
    unit = city.unit("sports").id
    yield DemoCase(
        "unit_papers/document",
        unit,
        35,
        {
            "subject": "关于商请提供社会体育指导员名册的函",
            "from_unit": city.unit("health-commission").name,
            "document_number": "云卫函〔2026〕88号",
            "content": "为开设运动处方门诊，请提供各区（县）在册社会体育指导员人数和服务站点。",
        },
        moves=(
            DemoMove("propose", "*", {"proposal": "拟请群众体育科提供名册，注意个人信息只报人数。"}, 3),
            DemoMove(
                "decide",
                "*",
                {"decision": "同意，三日内办结。", "section": "Organization/section-sports-mass-sports"},
                5,
            ),
            DemoMove("take", "", {}, 20),
            DemoMove(
                "draft",
                "",
                {"answer": "全市在册社会体育指导员共1460人，服务站点92个，分区县数据见附表。"},
                30,
            ),
            DemoMove(
                "check",
                "*",
                {
                    "answer": "全市在册社会体育指导员1460人，服务站点92个，分区县数据见附表。",
                    "check_opinion": "数据已与年报核对。",
                },
                6,
            ),
            DemoMove("sign", "*", {"sign_opinion": "同意。"}, 20),
        ),
    )
