"""One form of the text for matching, with a way back to the offsets of the source.

Folding makes punctuation and digits half-width, brackets round or square, dashes `-`, and traditional
characters simplified, each character for one; pinyin glosses such as 發(fā) are dropped. Nothing that
is reported comes from the folded text: spans are always cut from the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Traditional and simplified forms, pairwise, of what plan documents are written with.
_TRADITIONAL = "萬億個張戶歲臺處條項畝噸縣區標準達業產發醫療養護務實現體負責單衛協聯會專費補貼獎勵資創設場員試點鎮鄉總國際營網數據將於為與開關優質過進動態類農環規劃範圍團隊藥師學種級職辦預計結構織縮減擴積極運維經濟幹報導號銀險稅財長門間園綠應該對從僅給組統綜續繼練紅線緒績緊終約純細絡絕編縱縫轉載輛輕輸較還遠連違選邊鄰鐘鐵鋼錢鋪鍛鑒問閱陽階陸隨雖雙難電靜頂順須領頭題願顧風飛館馬駐驗髮齊齡龍觀視覺覽親訂訊討訓記許訪證評詞詳認語誤說請課調談論諸謀講識議讀變讓貢貧貨購賽趕跡車軍軟遊遞適遷釋鑰閉闊離雜雲靈響頻顯飲餘驅騎鬆鮮鳥黨齒幣帶幫庫廣廠廳強彈後復徵徹慮懷戰戲拋損擁擇擊擔擬攜攝敵斷時書槍樂樓樣機橋檔檢權歷歸殘殺氣決沒況淨淺測湧滅滿漸潔潤澤濕灣煙無熱燈獨獲瑪畫異當監盤眾確碼礎禮稱穩窮競筆節築簡簽籌糧紀納紙紛絲綱緣緩繳聖聞聲聽肅腦臨舉舊興艦艙艱藝蘇虛衆術衝裝裡製複見觸託訴診註詢話誘誠誰諮諾謂謝譜譯豐貝貫貯貴買貸賀賓賞賠賢賣賦賬贈贊趨躍輪輔輩輿轄這遙遲遺邁郵鄭醜釐釣鈔鈣鉛銅銘銷鋒錄錦鍵鏈鏡鑑鑽閃閒閣闆陝陣陰陳隱霧韓頓頒頸額顏飯飾駕駛驚鬥魚麗麥黃層寬廢夠塊壓幾樹狀獻礦粵罰莊蓋藍勞勢匯啟嚴圖執堅壯寧審寫尋屆嶺島們兒兩劑勝壽婦嬰屬掃掛揚換撥棟漲盡礙篩糾羅臟華葉薦蘭踐頁顆來東樞歐爾畢癥硏穀籃紮莖藉裏覈誌謹譽趙週闡隻韌佔並併倉偉側傳傾儲內冊剛劇卻厲參叢喪喬嘗囑墻墊壇奮妝孫宮岡峽崗廟憂憑掙揀擋攤暢曉楊楓榮櫃欄歡毀氫渦潛瀏熒爭犧狹甕皺睜磚"  # fmt: skip
_SIMPLIFIED = "万亿个张户岁台处条项亩吨县区标准达业产发医疗养护务实现体负责单卫协联会专费补贴奖励资创设场员试点镇乡总国际营网数据将于为与开关优质过进动态类农环规划范围团队药师学种级职办预计结构织缩减扩积极运维经济干报导号银险税财长门间园绿应该对从仅给组统综续继练红线绪绩紧终约纯细络绝编纵缝转载辆轻输较还远连违选边邻钟铁钢钱铺锻鉴问阅阳阶陆随虽双难电静顶顺须领头题愿顾风飞馆马驻验发齐龄龙观视觉览亲订讯讨训记许访证评词详认语误说请课调谈论诸谋讲识议读变让贡贫货购赛赶迹车军软游递适迁释钥闭阔离杂云灵响频显饮余驱骑松鲜鸟党齿币带帮库广厂厅强弹后复征彻虑怀战戏抛损拥择击担拟携摄敌断时书枪乐楼样机桥档检权历归残杀气决没况净浅测涌灭满渐洁润泽湿湾烟无热灯独获玛画异当监盘众确码础礼称稳穷竞笔节筑简签筹粮纪纳纸纷丝纲缘缓缴圣闻声听肃脑临举旧兴舰舱艰艺苏虚众术冲装里制复见触托诉诊注询话诱诚谁咨诺谓谢谱译丰贝贯贮贵买贷贺宾赏赔贤卖赋账赠赞趋跃轮辅辈舆辖这遥迟遗迈邮郑丑厘钓钞钙铅铜铭销锋录锦键链镜鉴钻闪闲阁板陕阵阴陈隐雾韩顿颁颈额颜饭饰驾驶惊斗鱼丽麦黄层宽废够块压几树状献矿粤罚庄盖蓝劳势汇启严图执坚壮宁审写寻届岭岛们儿两剂胜寿妇婴属扫挂扬换拨栋涨尽碍筛纠罗脏华叶荐兰践页颗来东枢欧尔毕症研谷篮扎茎借里核志谨誉赵周阐只韧占并并仓伟侧传倾储内册刚剧却厉参丛丧乔尝嘱墙垫坛奋妆孙宫冈峡岗庙忧凭挣拣挡摊畅晓杨枫荣柜栏欢毁氢涡潜浏荧争牺狭瓮皱睁砖"  # fmt: skip
_PUNCTUATION = dict(
    pair.split(" ")
    for pair in [
        "（ (",
        "） )",
        "〔 [",
        "〕 ]",
        "【 [",
        "】 ]",
        "［ [",
        "］ ]",
        "﹝ [",
        "﹞ ]",
        "｛ [",
        "｝ ]",
        "， ,",
        "： :",
        "； ;",
        "﹔ ;",
        "﹐ ,",
        "． .",
        "％ %",
        "﹪ %",
        "－ -",
        "— -",
        "– -",
        "― -",
        "～ -",
        "~ -",
        "〜 -",
        "？ ?",
        "！ !",
        "＋ +",
        "／ /",
        "＜ <",
        "＞ >",
        "＝ =",
        "• ·",
        "・ ·",
    ]
) | dict.fromkeys("\u3000\u00a0\u2002\u2003\u2009\u200b\ufeff", " ")
_DIGITS = {chr(0xFF10 + digit): str(digit) for digit in range(10)}
_LETTERS = {chr(0xFF21 + n): chr(0x41 + n) for n in range(26)} | {
    chr(0xFF41 + n): chr(0x61 + n) for n in range(26)
}
_TABLE = str.maketrans(
    {**dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True)), **_PUNCTUATION, **_DIGITS, **_LETTERS}
)
_ACCENTED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹü"
_HAS_PINYIN = re.compile(rf"[(（][a-z]*[{_ACCENTED}][a-z]*[)）]")
_PINYIN = re.compile(rf"(?<=[\u4e00-\u9fff])[(（][a-z{_ACCENTED}]{{1,6}}[)）]")


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; `source(i)` is the offset in the source of its character `i`."""

    text: str
    written: str  # the same characters as the source has them
    offsets: tuple[int, ...] | None = None  # None: the same offsets as the source

    def source(self, position: int) -> int:
        """Return the offset in the source of folded offset `position` (also of the end)."""
        return position if self.offsets is None else self.offsets[position]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return source offsets of a non-empty folded span."""
        return self.source(start), self.source(end - 1) + 1 if end > start else self.source(start)


def _width(line: str) -> int:
    return sum(2 if character > "\u2e7f" else 1 for character in line)


def soft_breaks(text: str) -> list[int]:
    """Return the offsets of line breaks that only fill the page's width, as in text taken from a pdf.

    A text is so broken when a good part of its lines has nearly the same width, that of a page. A break
    is soft when its line is full and does not end a sentence, and the next begins without label or indent.
    """
    lines = text.split("\n")
    widths = [_width(line.rstrip()) if len(line) <= 200 else 400 for line in lines]
    written = sorted(width for width in widths if width)
    if len(written) < 8:
        return []
    page = written[int(len(written) * 0.9)]
    full = sum(page - 4 <= width <= page + 4 for width in written)
    if not 36 <= page <= 130 or full < 5 or full * 3 < len(written):
        return []
    breaks: list[int] = []
    position = 0
    for line, following, width in zip(lines, lines[1:], widths, strict=False):
        position += len(line)
        ends = line.rstrip()[-1:] in "。！？!?;；:：" or not following.strip()
        if width * 20 >= page * 17 and not ends and not _NEW_PARAGRAPH.match(following):
            breaks.append(position)
        position += 1
    return breaks


_NEW_PARAGRAPH = re.compile(
    r"[\s　]|[一二三四五六七八九十]{1,3}[、.]|[(（][一二三四五六七八九十\d]{1,3}[)）]|\d{1,2}[.．、](?!\d)|第[一二三四五六七八九十]+[章节条]|[-—•●]"
)


def fold(text: str, *, unwrap: bool = True) -> Folded:
    """Return the folded form of `text`; `unwrap` drops line breaks that only fill a page's width."""
    dropped = [match.span() for match in _PINYIN.finditer(text)] if _HAS_PINYIN.search(text) else []
    if unwrap:
        dropped.extend((position, position + 1) for position in soft_breaks(text))
    if not dropped:
        return Folded(text.translate(_TABLE), text)
    pieces: list[str] = []
    offsets: list[int] = []
    position = 0
    for start, end in sorted(dropped):
        pieces.append(text[position:start])
        offsets.extend(range(position, start))
        position = end
    pieces.append(text[position:])
    offsets.extend(range(position, len(text) + 1))
    written = "".join(pieces)
    return Folded(written.translate(_TABLE), written, tuple(offsets))
