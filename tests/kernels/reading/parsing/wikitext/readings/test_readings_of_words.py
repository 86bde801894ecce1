import pytest

from tests.kernels.reading.parsing.wikitext.readings.pages import shown


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("({{langx|de|Köln}}, {{langx|grc|λόγος|lógos|word}})", "(German: Köln, Ancient Greek: λόγος, romanized: lógos, lit. 'word')"),
        ("({{lang-fr|Genève}})", "(French: Genève)"),
        ("({{lang-el|Αθήνα|links=no}})", "(Greek: Αθήνα)"),
        ("({{langx|de|label=none|Köln}})", "(Köln)"),
        ("{{lang|de|Köln|italic=no}}.", "Köln."),
        ("{{transl|ru|Moskva}} and {{transl|ar|DIN|ḥ}}.", "Moskva and ḥ."),
        ("{{lang|zh-Hant|香港}} and {{zh|c=香港|p=Xiānggǎng|labels=no}}.", "香港 and 香港; Xiānggǎng."),
        ("({{lang-zh|s=中国|t=中國}})", "(simplified Chinese: 中国; traditional Chinese: 中國)"),
        ("({{zh|t=中國|first=t}})", "(traditional Chinese: 中國)"),
        ("({{ko-hhrm|한국|韓國|Hanguk}})", "(Korean: 한국; Hanja: 韓國; RR: Hanguk)"),
        ("({{langnf|de|Köln|Cologne}})", '(German: Köln, "Cologne")'),
        ("{{nihongo|Tokyo|東京|Tōkyō}} and {{nihongo||東京|Tōkyō}}.", "Tokyo (東京, Tōkyō) and Tōkyō (東京)."),
        ("{{lang-sr-Cyrl|Београд}}.", "Serbian Cyrillic: Београд."),
        ("{{script|Hebr|שלום}} and {{hebrew|שלום}}.", "שלום and שלום."),
        ("{{literal translation|the sea}} and {{lit|the sea}}.", "lit. 'the sea' and lit. 'the sea'."),
        ("{{IPA|en|ˈkæt}} said. {{IPAc-en|ˈ|k|æ|t}} it is.", "ˈkæt said. /ˈkæt/ it is."),
        ("The '''cat''' ({{IPAc-en|ˈ|k|æ|t}} {{respell|KAT}}) is.", "The cat is."),
        ("The '''cat''' ({{IPAc-en|lang|ˈ|k|æ|t|audio=a.ogg}}; {{langx|la|felis}}) is.", "The cat (Latin: felis) is."),
        ("The sound {{IPAblink|k}} or {{IPAslink|k}} or {{angbr|c}} or {{vr|c}}.", "The sound [k] or /k/ or ⟨c⟩ or ⟨c⟩."),
        ("{{okina}}Oahu and Hawai{{okina}}i.", "ʻOahu and Hawaiʻi."),
        ("{{ill|Foo Bar|de|Foo|lt=the bar}} {{ill|Foo Bar|de|Foo}} {{ill|de|Foo|Baz}}.", "the bar Foo Bar Baz."),
    ],
)
def test_words_of_another_language_read_with_its_name(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("{{nowrap begin}}a b{{nowrap end}}{{·}} c{{•}} d.", "a b · c • d."),
        ("a{{nbsp}}b{{nbsp|3}}c{{thinsp}}d{{spaces|2}}e{{snd}}f{{spnd}}g{{ndash}}h{{mdash}}i.", "a b c d e – f – g–h—i."),
        ("{{sc|Xix}}, {{smallcaps|abc}}, {{small|x}}, {{big|y}}, {{larger|z}}, {{sub|i}}{{sup|2}}.", "Xix, abc, x, y, z, i^2."),
        ("{{em|a}} {{strong|b}} {{code|c()}} {{tt|d}} {{mono|e}} {{samp|f}} {{kbd|g}} {{var|h}}.", "a b c() d e f g h."),
        ("{{tooltip|DWT|deadweight}} and {{abbr|Dr.|Doctor}} and {{hover title|deadweight|DWT}}.", "DWT and Dr. and DWT."),
        ("{{color|red|stop}}, {{font color|red|white|stop}}, {{fontcolor|red|stop}}, {{color box|red}} go.", "stop, stop, stop, go."),
        ("{{strikethrough|old}} {{underline|u}} {{bold|b}} {{italic|i}} {{nobold|n}} {{noitalic|m}}.", "old u b i n m."),
        ("{{'}}s {{\"|a}} {{'\"}}b{{\"'}} {{single quotes|c}}.", "'s \"a\" '\"b\"' 'c'."),
        ("{{math|''a''<sup>2</sup> + ''b''{{sub|1}}}} and {{mvar|x}} and {{math|1=E = mc{{sup|2}}}}.", "a^2 + b1 and x and E = mc^2."),
        ("<math>\\frac{1}{2}</math> and {{tmath|x^2}} and {{math|{{sqrt|2}}}} and {{sqrt|x+1}}.", "$\\frac{1}{2}$ and $x^2$ and √(2) and √(x+1)."),
        ("{{radic|2|3}} root and {{abs|x}} and {{floor|x}}, {{bra-ket|a|b}}.", "∛(2) root and |x| and ⌊x⌋, ⟨a|b⟩."),
        ("{{pi}}, {{infty}}, {{tau}}, {{hbar}}, {{gamma}}.", "π, ∞, τ, ħ, γ."),
        ("{{binom|n|k}} ways. Kept.", "(n choose k) ways. Kept."),
        (
            "{{chem|H|2|O}}, {{chem2|H2O}}, {{chem2|Fe(3+)}}, {{chem2|[Fe(CN)6](4-)}}, {{chem|NO|3|-}}, {{chem2|SO4(2-)}}, {{CO2}}, {{H2O}}.",
            "H2O, H2O, Fe^3+, [Fe(CN)6]^4-, NO3^-, SO4^2-, CO2, H2O.",
        ),
        (
            "{{nuclide|U|235}}, {{nuclide2|hydrogen|2}}, {{Physics particle|W|TR=+}}, {{SubatomicParticle|Proton}}. Kept.",
            "Kept.",
        ),
        ("{{music|F sharp}}, {{music|sharp}}, F{{sharp}}, B{{flat}}, {{natural}}.", "F♯, ♯, F♯, B♭, ♮."),
    ],
)
def test_type_and_signs_read_as_characters(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("He said:\n{{quote|The sea.|Author|Book}}\nEnd.", "He said:\n\nThe sea.\n\nEnd."),
        ("He said:\n{{blockquote|text=The sea.|author=A|source=B}}\nEnd.", "He said:\n\nThe sea.\n\nEnd."),
        ("<blockquote>The sea.\n\nThe sky.</blockquote>End.", "The sea.\n\nThe sky.\n\nEnd."),
        ("{{poemquote|One\nTwo}}", "One\nTwo"),
        ("{{verse translation|Un\nDeux|One\nTwo}}", "Un\nDeux\n\nOne\nTwo"),
        ("{{cquote|The sea.|author=X}}", "The sea."),
        ("{{quotation|1=The sea.|2=X}}", "The sea."),
        ("{{centered pull quote|The sea.}}", "The sea."),
    ],
)
def test_a_quotation_stands_alone(wikitext: str, text: str):
    assert shown(wikitext) == text
