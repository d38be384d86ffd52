"""Rules that R4 states in words, not as invariants: bundles, attachments, questionnaires, its own extensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kangshu.fhir import definitions, split_reference
from kangshu.fhirpath import Node
from kangshu.validate.findings import Findings

Rule = Callable[[Node, Findings], None]
_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"


def attachment(node: Node, findings: Findings) -> None:
    """The size of an attachment is that of its data. Source: https://hl7.org/fhir/R4/datatypes.html#Attachment"""
    data, size = node.value.get("data"), node.value.get("size")
    if not isinstance(data, str) or not isinstance(size, int):
        return
    text = "".join(data.split())
    actual = len(text) * 3 // 4 - text[-2:].count("=")
    if actual != size:
        findings.at(
            node, "", -1, "error", "value", f"the size is given as {size}, the data have {actual} bytes",
            f"声明大小 {size} 字节, 实际数据 {actual} 字节",
        )  # fmt: skip


def bundle_entry(node: Node, findings: Findings) -> None:
    """A fullUrl is absolute and agrees with the resource's id. Source: https://hl7.org/fhir/R4/bundle.html#bundle-unique"""
    url, resource = node.value.get("fullUrl"), node.value.get("resource")
    if not isinstance(url, str) or not isinstance(resource, dict):
        return
    if ":" not in url.partition("/")[0]:
        findings.at(node, "", -1, "error", "value", "a fullUrl is absolute", "fullUrl 须为绝对地址")
        return
    parts, id_ = split_reference(url), resource.get("id")
    kind = resource.get("resourceType")
    if parts is not None and id_ is not None and parts.type == kind and parts.id != id_:
        findings.at(
            node,
            "",
            -1,
            "error",
            "value",
            "the id of the resource is not that of its fullUrl",
            "资源 id 与 fullUrl 不一致",
        )


def bundle(node: Node, findings: Findings) -> None:
    """A search set shows matches, and outcomes as such. Source: https://hl7.org/fhir/R4/http.html#search"""
    if node.value.get("type") != "searchset":
        return
    for index, entry in enumerate(node.value.get("entry") or ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        mode = (entry.get("search") or {}).get("mode") if isinstance(entry.get("search"), dict) else None
        is_outcome = resource.get("resourceType") == "OperationOutcome"
        if "id" not in resource and not is_outcome:
            findings.at(
                node,
                "entry",
                index,
                "error",
                "value",
                "a resource found has an id",
                "检索结果中的资源须有 id",
            )
        if mode is not None and is_outcome != (mode == "outcome"):
            findings.at(
                node, "entry", index, "error", "value", "just an OperationOutcome has the search mode outcome",
                "仅 OperationOutcome 的检索方式为 outcome",
            )  # fmt: skip


def questionnaire(node: Node, findings: Findings) -> None:
    """enableWhen asks a question that is there. Source: https://hl7.org/fhir/R4/questionnaire.html"""
    names: set[str] = set()
    items: list[tuple[Node, dict[str, Any]]] = []

    def walk(parent: Node) -> None:
        for index, item in enumerate(parent.value.get("item") or ()):
            if isinstance(item, dict):
                names.add(str(item.get("linkId")))
                inner = Node(item, "Questionnaire.item", None, parent, "item", index)
                items.append((inner, item))
                walk(inner)

    walk(node)
    for place, item in items:
        if len(item.get("enableWhen") or ()) > 1 and "enableBehavior" not in item:
            findings.at(
                place, "", -1, "error", "business-rule", "several enableWhen need an enableBehavior (all or any)",
                "有多个 enableWhen 时须有 enableBehavior",
            )  # fmt: skip
        for rule in item.get("enableWhen") or ():
            asked = rule.get("question") if isinstance(rule, dict) else None
            if isinstance(asked, str) and (asked not in names or asked == item.get("linkId")):
                own = asked == item.get("linkId")
                findings.at(
                    place, "", -1, "error", "business-rule",
                    "an item cannot enable itself" if own else "enableWhen names a question that is not there",
                    "项目不能以自身为启用条件" if own else "enableWhen 引用的问题不存在",
                )  # fmt: skip


def extension(node: Node, findings: Findings) -> None:
    """R4's own extensions have the value types that they are defined with, and no others exist under its url."""
    url = node.value.get("url")
    if not isinstance(url, str):
        return
    if node.parent is not None and node.parent.type == "Extension":
        outer = definitions().extension(str(node.parent.value.get("url")))
        if outer is not None and outer.nested:
            _types(node, outer.nested.get(url), findings)
        return
    known = definitions().extension(url)
    if known is None:
        if url.startswith(_CORE):
            findings.at(
                node,
                "url",
                -1,
                "error",
                "value",
                f"R4 has no extension {url[40:120]!r}",
                f"R4 没有扩展 {url[40:120]!r}",
            )
        return
    if not known.nested:
        _types(node, known.types, findings)


def _types(node: Node, allowed: tuple[str, ...] | None, findings: Findings) -> None:
    if allowed is None:
        findings.at(
            node, "url", -1, "error", "value", "the extension has no such part", "该扩展没有此下级扩展"
        )
        return
    found = next((key.lstrip("_") for key in node.value if key.lstrip("_").startswith("value")), None)
    child = definitions().child("Extension", found) if found else None
    if allowed and child is not None and child.type not in allowed and "*" not in allowed:
        names = ", ".join(allowed)
        findings.at(
            node,
            "",
            -1,
            "error",
            "value",
            f"the value of this extension is {names}, not {child.type}",
            f"该扩展的值应为 {names}",
        )


def structure_definition(node: Node, findings: Findings) -> None:
    """Elements of a profile are those of the type it constrains. Source: https://hl7.org/fhir/R4/elementdefinition.html#path"""
    type = node.value.get("type")
    if (
        node.value.get("derivation") != "constraint"
        or not isinstance(type, str)
        or not definitions().knows(type)
    ):
        return
    for part in ("snapshot", "differential"):
        holder = node.value.get(part)
        rows = holder.get("element") if isinstance(holder, dict) else None
        for row in rows if isinstance(rows, list) else ():
            path = row.get("path") if isinstance(row, dict) else None
            if isinstance(path, str) and not _leads_somewhere(type, path):
                findings.at(
                    node,
                    "",
                    -1,
                    "error",
                    "value",
                    f"{type} has no element {path[:120]!r}",
                    f"{type} 没有元素 {path[:120]!r}",
                )


def _leads_somewhere(type: str, path: str) -> bool:
    names = path.split(".")
    if names[0] != type:
        return False
    owners = {type}
    for name in names[1:]:
        plain = name.removesuffix("[x]")
        below: set[str] = set()
        for owner in owners:
            below |= {kind for _, kind in definitions().choices(owner, plain)}
            child = definitions().child(owner, plain)
            if child is not None:
                below.add(child.type)
        if not below:
            return plain == "value" and any(definitions().kind(owner) == "primitive" for owner in owners)
        if "Resource" in below:
            return True
        owners = below
    return True


RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "Attachment": (attachment,),
    "Bundle": (bundle,),
    "Bundle.entry": (bundle_entry,),
    "Extension": (extension,),
    "Questionnaire": (questionnaire,),
    "StructureDefinition": (structure_definition,),
}
"""Rules by the type on which they stand."""
