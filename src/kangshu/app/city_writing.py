"""What `kangshu city make` writes: the demo city, or a municipality of any size with progress on the terminal."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from kangshu.app.speech import Speech
from kangshu.app.wiring import city_services
from kangshu.base.faults import Invalid
from kangshu.fhir import render
from kangshu.municipality import Made, Municipality, Step, make_resources, make_views
from kangshu.services import make_city

FORMS: Final = ("ndjson", "views")
_EVERY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class MunicipalityAsked:
    """The options of the command for a municipality; `blocks` as "0-3" or "2,5", "" for all."""

    out: Path
    residents: int
    years: int
    seed: int
    form: str
    compress: bool
    memory: str
    blocks: str


def folder_for(out: Path) -> None:
    """Make the folder. Raises Invalid where it cannot be made."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(
            f"the folder {out} cannot be made ({error.strerror})",
            zh=f"无法建立目录 {out}（{error.strerror}）",
        ) from error


def write_demo(out: Path, residents: int, years: int, seed: int, say: Speech) -> None:
    """Write the demo city as NDJSON, one file a type."""
    opened: dict[str, IO[bytes]] = {}
    count = 0
    try:
        for resource in make_city(residents, years, seed, city_services()):
            kind = resource["resourceType"]
            if kind not in opened:
                opened[kind] = (out / f"{kind}.ndjson").open("wb")
            opened[kind].write(render(resource) + b"\n")
            count += 1
    finally:
        for file in opened.values():
            file.close()
    sys.stdout.write(say(f"{count} resources in {out}", f"共 {count} 条资源，已写入 {out}") + "\n")


def write_municipality(asked: MunicipalityAsked, say: Speech) -> None:
    """Write a municipality. Raises Invalid for a form or blocks that there are not, and what the making raises."""
    if asked.form not in FORMS:
        raise Invalid(
            f"there is no form '{asked.form}'; choose demo, ndjson or views",
            zh=f"没有“{asked.form}”形式，请选择 demo、ndjson 或 views",
        )
    city = Municipality(asked.residents, asked.seed, years=asked.years)
    blocks = _blocks(asked.blocks)
    progress = _Progress(say)
    if asked.form == "views":
        made = make_views(
            city, asked.out, city_services(), blocks=blocks, memory=asked.memory, report=progress.show
        )
    else:
        made = make_resources(
            city, asked.out, city_services(), compress=asked.compress, blocks=blocks, memory=asked.memory,
            report=progress.show,
        )  # fmt: skip
    sys.stdout.write(_told(made, asked, time.monotonic() - progress.began, say))


def _told(made: Made, asked: MunicipalityAsked, seconds: float, say: Speech) -> str:
    rows = made.rows or made.records
    listed = "".join(f"  {name}\t{count}\n" for name, count in sorted(rows.items()) if count)
    total, people, out = sum(rows.values()), made.people, asked.out
    far = "".join(
        say(
            f"  {one.id}: {one.made:.2f} {one.unit}, published {one.published:g} ± {one.tolerance:.2f}\n",
            f"  {one.id}：{one.made:.2f} {one.unit}，公布值 {one.published:g} ± {one.tolerance:.2f}\n",
        )
        for one in made.figures()
        if not one.holds
    )
    figures = len(made.figures())
    said = say(
        f"{figures - far.count(chr(10))} of {figures} figures are within their tolerance of the published ones\n",
        f"{figures} 项与公布数据比较，{figures - far.count(chr(10))} 项在允许误差内\n",
    )
    return (
        listed
        + far
        + said
        + say(
            f"{people} people, {total} {'rows' if made.rows else 'records'} in {out}, {seconds:.0f} s\n",
            f"共 {people} 人、{total} {'行' if made.rows else '条记录'}，已写入 {out}，用时 {seconds:.0f} 秒\n",
        )
    )


def _blocks(text: str) -> tuple[int, ...] | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", text):
        raise Invalid(
            f"'{text}' names no blocks; write 0-3 or 2,5", zh=f"“{text}”不是分块编号，请写 0-3 或 2,5"
        )
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(dict.fromkeys(found))


class _Progress:
    """Says every other second how far the run has come, on the standard error stream."""

    def __init__(self, say: Speech) -> None:
        self._say, self.began, self._rows, self._said = say, time.monotonic(), 0, 0.0

    def show(self, step: Step) -> None:
        """Take note of a step."""
        self._rows += step.rows
        now = time.monotonic()
        if now - self._said < _EVERY_SECONDS and step.done < step.total:
            return
        self._said = now
        left = (now - self.began) / step.done * (step.total - step.done)
        sys.stderr.write(
            self._say(
                f"{step.done * 100 // step.total:3d} %  {self._rows} records, {step.records}, about {left:.0f} s left\n",
                f"{step.done * 100 // step.total:3d} %  {self._rows} 条，{step.records}，约剩 {left:.0f} 秒\n",
            )
        )
