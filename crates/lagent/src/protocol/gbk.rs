//! The characters of GBK, the only ones that upstream leaves in the result of a tool.
//!
//! `BaseParser.parse_outputs` of lagent encodes every text as GBK and drops what does not fit. Python's codec of that
//! name is code page 936 without the euro sign and without the private characters.

use std::ops::RangeInclusive;

/// The Chinese characters of Unicode 1.1, all of which GBK has.
const IDEOGRAPHS: RangeInclusive<char> = '\u{4e00}'..='\u{9fa5}';

/// Its other characters beyond ASCII: signs, letters, kana and the ideographs that are elsewhere.
const OTHERS: &str = concat!(
    "¤§¨°±·×àáèéêìíòó÷ùúüāēěīńňōūǎǐǒǔǖǘǚǜɑɡˇˉˊˋ˙ΑΒΓΔΕΖΗ",
    "ΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρστυφχψωЁАБВГДЕЖЗ",
    "ИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщ",
    "ъыьэюяё‐–—―‖‘’“”‥…‰′″‵※℃℅℉№℡ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹ",
    "←↑→↓↖↗↘↙∈∏∑∕√∝∞∟∠∣∥∧∨∩∪∫∮∴∵∶∷∽≈≌≒≠≡≤≥≦≧≮≯⊕⊙⊥⊿⌒①②③④",
    "⑤⑥⑦⑧⑨⑩⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽⑾⑿⒀⒁⒂⒃⒄⒅⒆⒇⒈⒉⒊⒋⒌⒍⒎⒏⒐⒑⒒⒓⒔⒕⒖⒗⒘⒙⒚⒛─━│┃",
    "┄┅┆┇┈┉┊┋┌┍┎┏┐┑┒┓└┕┖┗┘┙┚┛├┝┞┟┠┡┢┣┤┥┦┧┨┩┪┫┬┭┮┯┰┱┲┳┴┵",
    "┶┷┸┹┺┻┼┽┾┿╀╁╂╃╄╅╆╇╈╉╊╋═║╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫",
    "╬╭╮╯╰╱╲╳▁▂▃▄▅▆▇█▉▊▋▌▍▎▏▓▔▕■□▲△▼▽◆◇○◎●◢◣◤◥★☆☉♀♂\u{3000}",
    "、。〃々〆〇〈〉《》「」『』【】〒〓〔〕〖〗〝〞〡〢〣〤〥〦〧〨〩ぁあぃいぅうぇえぉおかがきぎくぐけ",
    "げこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃ",
    "やゅゆょよらりるれろゎわゐゑをん゛゜ゝゞァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾ",
    "タダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰ",
    "ヱヲンヴヵヶーヽヾㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙㄚㄛㄜㄝㄞㄟㄠㄡㄢㄣㄤㄥㄦㄧㄨㄩ㈠㈡㈢㈣",
    "㈤㈥㈦㈧㈨㈩㈱㊣㎎㎏㎜㎝㎞㎡㏄㏎㏑㏒㏕郎凉秊裏隣兀嗀﨎﨏﨑﨓﨔礼﨟蘒﨡﨣﨤﨧﨨﨩︰︱︳︴︵︶︷︸︹︺",
    "︻︼︽︾︿﹀﹁﹂﹃﹄﹉﹊﹋﹌﹍﹎﹏﹐﹑﹒﹔﹕﹖﹗﹙﹚﹛﹜﹝﹞﹟﹠﹡﹢﹣﹤﹥﹦﹨﹩﹪﹫！＂＃＄％＆＇（",
    "）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ",
    "［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～￠￡￢￣￤￥",
);

/// Returns a text without the characters that GBK does not have.
pub(crate) fn within_gbk(text: &str) -> String {
    let has = |character: &char| {
        character.is_ascii() || IDEOGRAPHS.contains(character) || OTHERS.contains(*character)
    };
    text.chars().filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_drops_is_dropped() {
        let text = "aä😀€öé中ü¥Ω — “ok” 你好\n";
        assert_eq!(within_gbk(text), "aé中üΩ — “ok” 你好\n");
        let ideographs = IDEOGRAPHS.count();
        assert_eq!(ideographs + OTHERS.chars().count(), 21791, "as many as Python's codec has");
    }
}
