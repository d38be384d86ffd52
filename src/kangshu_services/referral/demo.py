"""Referral centres of the demo city: every hospital has one, most health centres too."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCity, Resource, code_system, structure


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield a referral centre for each hospital, and for two of three health centres."""
    coding = {"system": code_system("service-kind"), "code": "referral-centre"}
    names = ("王芳", "李静", "周敏", "陈洁", "赵琳")
    hospitals = city.of_kind("tertiary-hospital", "secondary-hospital")
    others = city.of_kind("community-health-centre", "township-health-centre")
    for number, one in enumerate((*hospitals, *others)):
        hospital = number < len(hospitals)
        if not hospital and number % 3 == 2:
            continue
        yield {
            "resourceType": "HealthcareService",
            "id": f"referral-{one.id}"[:64],
            "active": True,
            "category": [{"coding": [coding], "text": "转诊中心"}],
            "providedBy": one.reference,
            "name": "转诊服务中心" if hospital else "公共卫生科转诊窗口",
            "telecom": [{"system": "phone", "value": f"0000-880{number:04d}", "use": "work"}],
            "extension": [
                {"url": structure("contact-person"), "valueString": names[number % len(names)]},
                {
                    "url": structure("duty-hours"),
                    "valueString": "每日 0:00—24:00"
                    if hospital and number % 2 == 0
                    else "周一至周五 8:00—17:30",
                },
                {"url": structure("around-the-clock"), "valueBoolean": hospital},
            ],
        }
