import pytest

from kernels.reading.parsing.wikitext.page import plain_text


def plain(wikitext: str, language: str = "en") -> str:
    return plain_text(wikitext, {"file", "category"}, (), language)


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("In July {{formatnum:18}} °C, {{formatnum:-10}} °C, {{formatnum:1234567.5}}.", "In July 18 °C, -10 °C, 1,234,567.5."),
        ("The '''Elbe''' ({{langx|cs|Labe}}; {{lang-nds|Ilv}}) is.", "The Elbe (Czech: Labe; Low German: Ilv) is."),
        ("Moscow ({{langx|ru|Москва|Moskva|lit=city}}).", "Moscow (Russian: Москва, romanized: Moskva, lit. 'city')."),
        ("A {{lang|fr|pot-au-feu}}, {{lang|fr|2=mot}}, {{transliteration|ar|ALA|kitab}}.", "A pot-au-feu, mot, kitab."),
        ("The {{nihongo|'''League'''|青鶴|Ao|note}} has.", "The League (青鶴, Ao, note) has."),
        ("{{zh|s=长城|t=長城|p=Chángchéng}}.", "simplified Chinese: 长城; traditional Chinese: 長城; pinyin: Chángchéng."),
        ("{{nowrap|1=y = 2x + 1}} and {{nowrap|a {{nowrap|b}}}} {{small|c}}{{nbsp}}d{{snd}}e{{ndash}}f.", "y = 2x + 1 and a b c d \u2013 e\u2013f."),
        ("{{mvar|n}}, {{math|''n'' > 2}}, {{math|''x''{{sup|2}}}}, {{abs|x}}.", "n, n > 2, x^2, |x|."),
        ("Built {{circa|1850}}, {{c.|1911}}, {{fl.|1200}}.", "Built c. 1850, c. 1911, fl. 1200."),
        ("Cost {{USD|4.2 million}}, {{currency|90|EUR}}, {{GBP|5}}, {{INRConvert|5|c}}.", "Cost US$4.2 million, €90, £5, ₹5 crore."),
        ("By {{ill|Jan Kolbe|de}} and {{interlanguage link|Otto Ring (A)|de|lt=Ring}}.", "By Jan Kolbe and Ring."),
        ("He wrote:\n{{blockquote|The sea.}}\nThat.", "He wrote:\n\nThe sea.\n\nThat."),
        ("{{quote box|quote=Never moor.|source=Rule}}\nShe.", "Never moor.\n\nShe."),
        ("{{sortname|Mara|Velten}} in {{sort|05|May}}.", "Mara Velten in May."),
        ("{{val|1.67|e=-27|u=kg}}, {{val|5|2}}, {{val|1234|fmt=commas|u=m2}}.", "1.67×10^-27 kg, 5±2, 1,234 m^2."),
        ("A {{frac|3|4}}, {{sfrac|1|2|3}}, {{1/2}}, {{sfrac|a+b|2}}.", "A 3/4, 1 2/3, 1/2, (a+b)/2."),
        ("{{chem|SO|4|2-}}, {{chem|C|''n''|H|2''n''+2}}, {{chem2|Ca(2+)}}, {{simplenuclide|carbon|14}}.", "SO4^2-, CnH_(2n+2), Ca^2+, 14C."),
        ("<chem>C6H6</chem>, <ce>H2O</ce>, <ce>A -> B</ce>.", "C6H6, H2O, $\\ce{A -> B}$."),
        ("It rose {{percentage|1|4}} in {{age|1900|1|2|1910|1|1}} years.", "It rose 25% in 9 years."),
        ("The {{abbr|DWT|deadweight tonnage}}.", "The DWT."),
        ("{{As of|2020}}; {{as of|2021|5|lc=y}}; {{as of|2021|5|17|df=US}}.", "As of 2020; as of May 2021; As of May 17, 2021."),
        ("At {{coord|51|30|N|0|7|W}}, {{coord|-33.5|18.25}}{{coord|1|2|display=title}}.", "At 51°30′N 0°7′W, 33.5°S 18.25°E."),
        ("{{ship|HMS|Arrow|1823|2}}, {{HMS|Beagle}}, {{USS|Hornet|CV-8}}, {{USS|Hornet|CV-8|6}}.",
         "Arrow, HMS Beagle, USS Hornet (CV-8), USS Hornet."),
        ("A {{sclass|Nimitz|aircraft carrier}}.", "A Nimitz-class aircraft carrier."),
        ("{{gaps|12|345|678}} and {{nts|4200}}, the {{ordinal|22}}.", "12345678 and 4,200, the 22nd."),
        ("Area 5 km{{sup|2}}, H{{sub|2}}O, {{e|6}}, {{su|p=2|b=1}}.", "Area 5 km^2, H2O, ×10^6, 1^2."),
        ("{{flag|USA}}, {{flagcountry|FRA}}, {{flagicon|FRA}} {{GER}}.", "United States, France, Germany."),
        ("{{harvtxt|Smith|2000|p=4}}, {{harvnb|Smith|Jones|2001}}.", "Smith (2000, p. 4), Smith & Jones 2001."),
        ("{{bibleverse||John|3:16|KJV}}, {{ISBN|123}}, {{sic|teh}}, {{'}}{{'s}}.", "John 3:16, ISBN 123, teh [sic], ''s."),
        ("The {{track gauge|1435mm}} line.", "The 1,435 mm (4 ft 8 1/2 in) line."),
        ("At {{height|ft=6|in=4}} he.", "At 6 ft 4 in (1.93 m) he."),
        ("{{pop density|5000|10|km2|sqmi}}.", "500 inhabitants per square kilometre (1,300/sq mi)."),
        ("{{hlist|a|b}}; {{ubl|c|d}}", "a, b;\n- c\n- d"),
        ("{{#if:x|yes|no}} {{lc:ABC}} {{{a|b}}} {{uc:d}}", "yes abc b D"),
        ("{{OldStyleDate|1 June|1700|21 May}}.", "1 June 1700 [O.S. 21 May]."),
        ("{{unichar|20AC|euro sign}} {{angbr|a}} {{key press|Ctrl|C}} {{music|flat}}", "U+20AC € EURO SIGN ⟨a⟩ Ctrl+C ♭"),
    ],
)  # fmt: skip
def test_a_template_says_in_the_text_what_it_shows_on_the_page(wikitext: str, text: str):
    assert plain(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("Angola {{IPAc-en|æ|ŋ|ˈ|ɡ|oʊ|l|ə}} is.", "Angola /æŋˈɡoʊlə/ is."),
        ("The vowel {{IPA|/e/}}, {{IPA|de|[ɛ]}}, {{IPAslink|a}} and {{IPA-fr|o}}.", "The vowel /e/, [ɛ], /a/ and [o]."),
        ("Paris ({{IPA-fr|paʁi}}) is ({{IPA|x}}; {{respell|PARR|iss}}, big).", "Paris is (big)."),
        ("{{audio|a.ogg|Bonn}} is ({{audio|b.ogg|listen}}).", "Bonn is."),
        ("It is (pronounced {{respell|PARR|iss}}).", "It is (pronounced PARR-iss)."),
    ],
)
def test_a_pronunciation_is_told_where_the_sentence_needs_it(wikitext: str, text: str):
    assert plain(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("One. It has {{mystery|a}} legs. Three.", "One. Three."),
        ("Then Mr. A. Smith {{mystery|b}} walks, e.g. there. End.", "End."),
        ("* It is {{mystery}} big.\n* Kept.", "- Kept."),
        ("A hard line\nwith {{mystery}} words\nends. Kept.", "Kept."),
        ("{{Mystery box|a\n|b}}\n'''Foo''' is.", "Foo is."),
        ("{{mystery head|a}}'''Foo''' is.", "Foo is."),
        ("Said so.{{mystery note}} Next.", "Said so. Next."),
        ("Said so.{{citation needed|date=May}} And{{who}} more{{r|a}}, {{cite x|y}} yes.", "Said so. And more, yes."),
        ("== {{mystery}} ==\nKept.", "Kept."),
        ("Text {{nowrap|of {{mystery}} words}}. Kept.", "Kept."),
        ("{{infobox x|a={{mystery}}}}\nKept [[File:a.jpg|a {{mystery}}]].", "Kept."),
        ("It lived {{mya|65}} ago. Kept.", "Kept."),
        ("It is {{age|1900|1|1}} years old. Kept.", "Kept."),
        ("It is {{convert|5|furble|m}} long. Kept.", "Kept."),
        ("It is {{never closed|5. Gone.\nKept.", "Kept."),
    ],
)
def test_a_sentence_goes_whole_where_a_template_that_speaks_in_it_cannot_be_told(wikitext: str, text: str):
    assert plain(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("Call main() and f(x), not g( ).", "Call main() and f(x), not g()."),
        ("A ({{citation needed}}) b ({{fact}}, c) d ({{lang|fr|e}}; {{cn}}), f.", "A b (c) d (e), f."),
        ("Words {{cn}} , more {{cn}}: {{cn}}, end {{cn}} .", "Words, more: end."),
        ("[[de:Katze]]See [[doi:10.1/2|the book]], [[mw:Help|help]], [[CSI: Miami]], [[:de:Katze|cat]].", "See the book, help, CSI: Miami, cat."),
        ("[[Bild:x.jpg|mini|y]][[Foo (bar)|]] and [[A, B|]].", "Foo and A."),
        ("| prose begins with a bar.\n\nNext.", "| prose begins with a bar.\n\nNext."),
        ("Text.\n|-\n| a || b\n|}\nMore.", "Text.\n\nMore."),
        ("Text.\n{|\n| a\n| b\nMore.", "Text.\nMore."),
        ("Of L'''amour'' she.", "Of L'amour she."),
        ("The ''''Republic''''.", "The 'Republic'."),
        ("a<br>b<p>c</p>d", "a\nb\nc\nd"),
        ("The island <mapframe zoom=1>{\"a\": \"B\"}</mapframe> is.", "The island is."),
        ("<syntaxhighlight lang=c>\nint a;\n\n\n  b;\n</syntaxhighlight>", "```\nint a;\n\n  b;\n```"),
        ("&#" + "9" * 5000 + "; &#65;", "\ufffd A"),
    ],
)  # fmt: skip
def test_what_is_no_template_keeps_its_meaning(wikitext: str, text: str):
    assert plain(wikitext) == text


def test_no_english_words_are_written_into_a_text_of_another_language():
    assert plain("Есть {{convert|5|km|mi}}, {{lang-ru|слово}}. Тут {{as of|2020}} нет.", "ru") == "Есть 5 km (3.1 mi), слово."
