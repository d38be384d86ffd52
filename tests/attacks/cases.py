"""The attacks by number: what is tried, and what must hold. Tests are marked with their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest

attack = pytest.mark.attack


@dataclass(frozen=True, slots=True)
class Case:
    """One attack: what is tried, in Chinese and English, and what must hold."""

    zh: str
    en: str
    holds: str


CASES: Final = {
    1: Case("用 _include／_revinclude 带出权限外的记录", "_include and _revinclude out of the compartment", "absent"),
    2: Case("用链式参数或 _has 推断看不到的记录", "inference by chained parameters and _has", "a hit and a miss answer the same"),
    3: Case("用 403 与空结果的差别探知记录是否存在", "403 against empty as an oracle of existence", "hidden and never there answer the same"),
    4: Case("居民令牌没有对应居民", "a resident's token without its resident", "sees nobody, is not widened"),
    5: Case("检索、计数、历史、全部档案、导出、下钻、页面口径不一", "one policy by every way: search, count, history, $everything, export, drill-down, page", "the same records"),
    6: Case("用别人的分页链接", "another account's page link", "404"),
    7: Case("按 _id 等跨机构检索", "_id and the like across organisations", "empty"),
    8: Case("拼错或不支持的参数", "a misspelt or unsupported parameter", "400, never the unfiltered set"),
    9: Case("用检索、排序、链式参数试探隐藏字段", "a hidden field probed by search, sort, chains", "no oracle of the value"),
    10: Case("政策或同意变化后读旧版本", "old versions after a change of policy or consent", "today's policy holds"),
    11: Case("借引用、内嵌、附件越权", "traversal by references, contained, Binary, absolute URLs", "checked on write and on read"),
    12: Case("同意或管理关系为空", "an empty table of consent or care", "denies"),
    13: Case("逐路由×角色×他人编号", "every route × every role × a foreign id", "404 or 403, nothing shown, nothing changed"),
    14: Case("批量赋值：标签、租户、状态", "mass assignment of labels, organisations, status", "ignored or refused"),
    15: Case("伪造、过期、吊销的令牌", "forged, expired, revoked tokens; JWT alg, iss, aud, kid", "401"),
    16: Case("诱使服务器访问内网", "the server made to fetch or to lead elsewhere", "blocked"),
    17: Case("按前缀匹配的允许清单", "allow lists matched by prefix", "blocked, no credentials sent"),
    18: Case("XML 外部实体与实体膨胀", "XML external entities and entity expansion", "refused by every parser"),
    19: Case("压缩包穿越与压缩炸弹", "zip slip and zip bombs", "refused by limits"),
    20: Case("恶意 JSON：过深、重复键、超大数", "hostile JSON: depth, doubled keys, huge numbers, NUL", "4xx, memory bounded"),
    21: Case("正则与 FHIRPath 炸弹", "regex and FHIRPath bombs", "cut by a budget"),
    22: Case("代价极高的检索", "expensive searches", "limited"),
    23: Case("SQL 注入", "SQL by sort, modifiers, filters, dimensions", "values stay values"),
    24: Case("存储型 XSS、公式注入、CSRF、类型欺骗", "stored XSS, formula injection, CSRF, type confusion", "text stays text"),
    25: Case("文件中夹带指令", "instructions hidden in documents", "text stays text, no act follows"),
}  # fmt: skip
