"""Districts, towns and organisations of the demo city, and the people who work there."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from kangshu.sdk import DemoDistrict, DemoOrganisation, DemoPractitioner, DemoTown, StaffRole
from kangshu.services.city.tables import Sex, given_name, layout, surnames

BEDS_PER_THOUSAND_ELDERS = 38
"""What the city has on the whole; its plan asks for more."""
PRACTITIONERS_PER_THOUSAND = {"physician": 3.4, "nurse": 4.0}
GENERAL_PRACTITIONERS_PER_TEN_THOUSAND = 3.6


def make_districts() -> tuple[DemoDistrict, ...]:
    """Return the five districts."""
    return tuple(
        DemoDistrict(one["code"], one["name"], one["share"], one["vigour"]) for one in layout()["districts"]
    )


def make_towns() -> tuple[DemoTown, ...]:
    """Return the towns with their communities."""
    return tuple(
        DemoTown(
            one["code"],
            one["name"],
            one["code"][:6],
            one["code"][6] == "0",
            {f"{one['code']}{place:03d}": name for place, name in enumerate(one["communities"], 1)},
        )
        for one in layout()["towns"]
    )


def town_shares() -> dict[str, float]:
    """Return town code → share of its district's people."""
    return {one["code"]: one["share"] for one in layout()["towns"]}


def make_organisations(elders: int) -> tuple[DemoOrganisation, ...]:
    """Return every organisation; the beds of the elder-care institutions follow the number of `elders`."""
    return (*_units(), *_medical(), *_elder_care(elders))


def _units() -> list[DemoOrganisation]:
    data = layout()
    code, name, short = data["city"]["code"], data["city"]["name"], data["city"]["short"]
    found = []
    for unit in data["units"]:
        forms = [unit["name"], *unit["short"]]
        aliases = [f"{front}{form}" for form in forms for front in ("市", short + "市")]
        found.append(
            DemoOrganisation(
                f"unit-{unit['key']}",
                unit.get("kind", "government"),
                name + unit["name"],
                code,
                aliases=tuple(dict.fromkeys(one for one in aliases if one != name + unit["name"])),
                unit=unit["key"],
                works_inside=bool(unit.get("works_inside")),
            )
        )
    for district in data["districts"]:
        found.append(
            DemoOrganisation(
                f"government-{district['code']}",
                "government",
                f"{district['name']}人民政府",
                district["code"],
                aliases=(f"{district['name']}政府", f"{name}{district['name']}人民政府"),
                unit="district-government",
            )
        )
    return found


def _medical() -> list[DemoOrganisation]:
    found = [
        DemoOrganisation(
            one["id"], one["kind"], one["name"], one["town"][:6], one["town"], one.get("private", False), True, one["size"],
            tuple(one["aliases"]), marks=one.get("marks", {}),
        )
        for one in layout()["hospitals"]
    ]  # fmt: skip
    for town in make_towns():
        kind = "社区卫生服务中心" if town.urban else ("卫生院" if town.name.endswith("乡") else "中心卫生院")
        found.append(
            DemoOrganisation(
                f"centre-{town.code}",
                "community-health-centre" if town.urban else "township-health-centre",
                town.name + kind,
                town.district,
                town.code,
                internal_medical_unit=True,
            )
        )
    return found


def _elder_care(elders: int) -> list[DemoOrganisation]:
    data = layout()
    homes = data["elder_institutions"]
    beds = max(len(homes) * 3, round(elders * BEDS_PER_THOUSAND_ELDERS / 1000))
    weight = sum(one["size"] for one in homes)
    found = [
        DemoOrganisation(
            one["id"],
            "elder-institution",
            one["name"],
            one["town"][:6],
            one["town"],
            one["private"],
            one["internal"],
            max(3, round(beds * one["size"] / weight)),
            marks=one.get("marks", {}),
        )
        for one in homes
    ]
    found += [
        DemoOrganisation(one["id"], "day-care-centre", one["name"], one["town"][:6], one["town"])
        for one in data["day_care_centres"]
    ]
    call = data["call_centre"]
    found.append(
        DemoOrganisation(call["id"], "call-centre", call["name"], data["city"]["code"], call["town"])
    )
    return found


def make_staff(
    rng: Random, organisations: tuple[DemoOrganisation, ...], residents: int, today: date
) -> tuple[DemoPractitioner, ...]:
    """Return the staff. Counts follow national ratios where the city is large enough to hold them.

    Below 20,000 residents a centre still has someone at its desk, so ratios per 10,000 come out too high.
    """
    hospitals = [one for one in organisations if one.kind in ("tertiary-hospital", "secondary-hospital")]
    centres = [one for one in organisations if one.kind.endswith("health-centre")]
    homes = [one for one in organisations if one.kind == "elder-institution"]
    weight = sum(one.size for one in hospitals)
    posts: list[tuple[DemoOrganisation, StaffRole]] = []
    for hospital in hospitals:
        for role, ratio in PRACTITIONERS_PER_THOUSAND.items():
            count = max(2, round(residents * 0.6 * ratio / 1000 * hospital.size / weight))
            posts += [(hospital, "physician" if role == "physician" else "nurse")] * count
    doctors = max(4, round(residents * GENERAL_PRACTITIONERS_PER_TEN_THOUSAND / 10_000))
    for place in range(doctors):  # the first centres of the list, in the richer districts, fill up first
        posts.append((centres[[0, 3, 0, 5, 4, 3, 1][place % 7]], "general-practitioner"))
    for centre in centres:
        nurses = max(1, round(residents * 1.0 / 1000 / len(centres)))
        posts += [(centre, "nurse")] * nurses
        posts.append((centre, "physician"))
    for home in homes:
        posts += [(home, "elder-care-worker")] * max(1, round(home.size / 4))
        posts.append((home, "nurse"))
    found = []
    for number, (organisation, post) in enumerate(posts, 1):
        woman = rng.random() < {"nurse": 0.95, "elder-care-worker": 0.85}.get(post, 0.45)
        sex: Sex = "female" if woman else "male"
        name = surnames().draw(rng) + given_name(rng, sex, today.year - rng.randrange(26, 58))
        since = today - timedelta(days=rng.randrange(60, 3600))
        found.append(DemoPractitioner(f"practitioner-{number:04d}", name, sex, organisation.id, post, since))
    return tuple(found)
