"""`kangshu services new`: a folder that passes every check and shows where things go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from kangshu.base.faults import Conflict, Invalid

_FILES: Final = {
    "service.yaml": """\
id: {name}
title: {{zh: {name}, en: {name}}}
help: {{zh: 这项服务做什么、给谁用。, en: What this service does and for whom.}}
systems: [S01] # ids of mission/systems.yaml that it answers
menu: {{zh: {name}, en: {name}}}
order: 900
""",
    "registers/things.yaml": """\
id: things
title: {{zh: 事项台账, en: Register of things}}
resource: Basic
criteria: code=http://kangshu.org/fhir/CodeSystem/{name}|thing
template:
  code: {{coding: [{{system: http://kangshu.org/fhir/CodeSystem/{name}, code: thing}}]}}
columns:
  - {{id: name, title: {{zh: 名称, en: Name}}, value: "extension.where(url = 'http://kangshu.org/fhir/StructureDefinition/thing-name').value"}}
  - {{id: created, title: {{zh: 登记日期, en: Registered}}, value: created, kind: date, search: created, sort: created}}
form:
  - {{id: name, title: {{zh: 名称, en: Name}}, path: extension(thing-name).valueString, required: true}}
  - {{id: created, title: {{zh: 登记日期, en: Registered}}, kind: date, path: created}}
""",
    "cases/handling.yaml": """\
id: handling
title: {{zh: 办理, en: Handling}}
systems: [S01]
initial: open
start_by: [any]
form:
  - {{id: receiver, title: {{zh: 承办单位, en: Unit in charge}}, kind: organisation, required: true}}
  - {{id: content, title: {{zh: 事项, en: Matter}}, kind: paragraph, required: true}}
states:
  - {{id: open, title: {{zh: 待办理, en: Open}}, status: requested, deadline: {{parameter: {name}-handling-days}}}}
  - {{id: done, title: {{zh: 已办结, en: Done}}, status: completed, final: true}}
moves:
  - id: finish
    title: {{zh: 办结, en: Finish}}
    from: open
    to: done
    by: owner
    form:
      - {{id: result, title: {{zh: 办理结果, en: Result}}, kind: paragraph, required: true}}
    effects:
      - {{notify: "${{requester}}", text: {{zh: 事项已办结, en: The matter is done}}}}
""",
    "rules/deadlines.yaml": """\
parameters:
  - id: {name}-handling-days
    title: {{zh: 办理时限, en: Time for handling}}
    value: 5
    unit: working day
    jurisdiction: ""
    valid_from: "2020-01-01"
    source: 待填：写明文件名称和条款
    verified: false
""",
    "scenarios/handled.yaml": """\
id: handled
title: {{zh: 发起、办结, en: Begun and done}}
accounts:
  - {{id: asker, role: unit-clerk, organisation: unit-health-commission, district: "990100"}}
  - {{id: unit, role: unit-clerk, organisation: unit-civil-affairs, district: "990100"}}
  - {{id: other, role: unit-clerk, organisation: unit-sports, district: "990100"}}
steps:
  - {{start: handling, as: matter, by: asker, values: {{receiver: Organization/unit-civil-affairs}}, fault: content}}
  - {{start: handling, as: matter, by: asker, values: {{receiver: Organization/unit-civil-affairs, content: 请办理}}, state: open}}
  - {{move: finish, by: unit, refused: [other], values: {{result: 已办}}, state: done}}
""",
    "README.md": """\
# {name}

这项服务做什么、给谁用、依据哪些文件。

What this service does, for whom, and the documents it rests on.
""",
}


def new(name: str, folder: Path) -> Path:
    """Write the skeleton of the service `name` into `folder`/`name` and return that folder.

    Raises:
        Invalid: not a name for a service (lower case, digits, underscores).
        Conflict: the folder is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name):
        raise Invalid(
            f"'{name[:60]}' is no name for a service: lower case letters, digits, underscores",
            zh=f"“{name[:60]}”不能作为服务标识，只能用小写字母、数字和下划线",
        )
    home = folder / name
    if home.exists():
        raise Conflict(f"{home} is there already", zh=f"{home} 已存在")
    for path, text in _FILES.items():
        file = home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(name=name), "utf-8")
    return home
