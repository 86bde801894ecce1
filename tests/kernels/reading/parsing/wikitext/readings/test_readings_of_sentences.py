import pytest

from tests.kernels.reading.parsing.wikitext.readings.pages import shown


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        (
            "The tower is {{convert|324|m|ft|0|abbr=on}} high, {{convert|50|by|25|m|ft|abbr=on}}.",
            "The tower is 324 m (1,063 ft) high, 50 by 25 m (164 by 82 ft).",
        ),
        (
            "A {{convert|2|x|4|in|mm|abbr=on}} board and {{convert|1.5|x|2.5|x|3.5|m|ft|abbr=on}} box.",
            "A 2 in × 4 in (51 mm × 102 mm) board and 1.5 m × 2.5 m × 3.5 m (4.9 ft × 8.2 ft × 11.5 ft) box.",
        ),
        ("Depth of {{convert|200|-|300|fathom|m}}.", "Depth of 200–300 fathoms (370–550 m)."),
        ("About {{convert|3|e6acre|km2 sqmi|abbr=unit}}. Kept.", "Kept."),
        ("{{convert|5|and|10|mph|km/h|0}} winds.", "5 and 10 miles per hour (8 and 16 km/h) winds."),
        ("Rated {{cvt|2,000|PS|kW}}.", "Rated 2,000 PS (1,500 kW)."),
        ("Range {{convert|1,500|nmi|km mi|lk=in}}.", "Range 1,500 nautical miles (2,800 km; 1,700 mi)."),
        ("He stands {{height|m=1.85}} and {{height|ft=5|in=11|precision=2}}.", "He stands 1.85 m (6 ft 1 in) and 5 ft 11 in (1.80 m)."),
        ("It was {{formatnum:{{#expr:12345*2}}}}.", "It was 24,690."),
        ("Founded {{start date and age|1976|4|1}}.", "Founded April 1, 1976."),
        ("Reigned {{reign|1558|1603}} ({{lang-fr|reine}}).", "Reigned r. 1558–1603 (French: reine)."),
        ("Poet ({{fl.|5th century}}) and ({{circa|1320}} – 1384).", "Poet (fl. 5th century) and (c. 1320 – 1384)."),
        ("On {{nowrap|{{OldStyleDate|4 March|1702|21 February 1701}}}}.", "On 4 March 1702 [O.S. 21 February 1701]."),
        ("Paid {{INR|2.5|c|link=yes}}. Kept.", "Kept."),
        ("Paid {{INRConvert|500|m|year=2010}} and {{USD|20,000|1950}}.", "Paid ₹500 million and US$20,000."),
        ("Paid {{£|2 million}}, {{€|3m}}, {{US$|4.5bn}}.", "Paid £2 million, €3m, US$4.5bn."),
        (
            "{{HMS|Ark Royal|91|6}}, {{USS|Enterprise|CV-6|1}}, {{USS|Enterprise|CV-6|5}}, {{HMAS|Perth|D29|2}}.",
            "HMS Ark Royal, CV-6, USS (CV-6), Perth.",
        ),
        (
            "{{RMS|Lusitania||2}} {{SMS|Goeben}} {{USCGC|Eagle}} {{INS|Vikrant|R11|6}} {{ARA|General Belgrano}}.",
            "Lusitania SMS Goeben USCGC Eagle INS Vikrant ARA General Belgrano.",
        ),
        (
            "{{chem2|CH3CH2OH}}, {{chem2|NH4+}}, {{chem2|Cu(NO3)2}}, {{chem|H|3|O|+}}, {{chem2|2 H2 + O2 -> 2 H2O}}.",
            "CH3CH2OH, NH4^+, Cu(NO3)2, H3O^+, 2 H2 + O2 → 2 H2O.",
        ),
        (
            "{{math|''f''(''x'') {{=}} ''x''<sup>2</sup>}}, {{math|{{frac|1|2}}}}, {{math|''x''{{sub|''n''+1}}}}, {{math|''a''{{mvar|b}} ≤ 3}}.",
            "f(x) = x^2, 1/2, x_(n+1), ab ≤ 3.",
        ),
        (
            "{{val|9.11|e=-31|u=kg}}, {{val|1.2|0.1|u=m}}, {{val|3.0|+0.2|-0.1|e=5|u=K}}, {{val|100|ul=km/s}}.",
            "9.11×10^-31 kg, 1.2±0.1 m, (3.0 (+0.2 -0.1))×10^5 K, 100 km/s.",
        ),
        ("{{gaps|6|022|140|857|e=23}}, {{sfrac|22|7}}, {{frac|3}}, {{frac|5|8}} inch.", "6022140857×10^23, 22/7, 1/3, 5/8 inch."),
        ("{{ill|Karl Weber|de|Karl Weber (Maler)|lt=Weber}} and {{ill|Anna Lind|sv|fi}}.", "Weber and Anna Lind."),
        (
            "See [[w:en:Foo|Foo]] and [[wikisource:Bar|Bar]] and [[m:Baz|baz]] and [[arxiv:1234|paper]] and [[pmid:1|one]].",
            "See Foo and Bar and baz and paper and one.",
        ),
        ("[[Ab: Normal|x]] and [[Is: A|y]] and [[co:op|z]].", "x and y and."),
        ("The {{sc|nasa}} and {{smallcaps|Abc}} and {{allcaps|abc}} and {{uc:abc}}.", "The nasa and Abc and abc and ABC."),
        ("{{tooltip|2=longer|1=short}}, {{abbr|GDP|gross domestic product}}, {{abbr|a|b|c=d}}.", "short, GDP, a."),
        ("x{{sup|2}} + y{{sub|1}} = z<sub>2</sub><sup>3</sup> and CO<sub>2</sub>, 10<sup>−9</sup>.", "x^2 + y1 = z2^3 and CO2, 10^−9."),
        ("{{blockquote|1=To be or not.|2=Shakespeare|multiline=yes}}", "To be or not."),
        ('{{Quote|text=One.|sign=A|source=B}}\n{{Quote box|quote="Two."|align=left}}\n{{cquote|Three.}}', 'One.\n\n"Two."\n\nThree.'),
        ("{{poem quote|text=Roses\nViolets}}", "Roses\nViolets"),
        ("{{verse translation|lang=fr|Un.|One.}}", "Un.\n\nOne."),
        (
            "The {{flag|Ghana}} team beat {{fb|NGA}} and {{flagicon|TOG}} Smith; {{flagcountry|Brazil|name=Brasil}}.",
            "The Ghana team beat Nigeria and Smith; Brasil.",
        ),
        ("At {{coord|48|51|24|N|2|21|8|E|display=inline}} and {{Coord|48.86|N|2.35|E}}.", "At 48°51′24″N 2°21′8″E and 48.86°N 2.35°E."),
        ("Text{{refn|name=a|b {{cite|c}}}} and{{efn-ua|x}} so{{sfnp|A|2000}} on{{cref|1}}{{ref|x}}.", "Text and so on."),
        ("{{#switch:{{{1|x}}}|x=ex|y=why}} {{#if:{{{2|}}}|a|b}} {{#ifeq:{{lc:ABC}}|abc|same|not}}.", "ex b same."),
        ("{{nowrap|{{#if:1|{{convert|1|km|mi|abbr=on}}|none}}}} wide.", "1 km (0.62 mi) wide."),
        ("Born {{birth-date|12 May 1820}}; died {{death-date and age|13 August 1910|12 May 1820}}.", "Born 12 May 1820; died 13 August 1910."),
        ("A note{{NoteTag|x}} and {{snd}}dash{{spaced en dash}}two{{snds}}three{{--}}four.", "A note and – dash – two – three—four."),
        ("{{lang|el|Ἀθῆναι}} ({{transl|grc|Athēnai}}), {{langx|he|שָׁלוֹם|shalom}}.", "Ἀθῆναι (Athēnai), Hebrew: שָׁלוֹם, romanized: shalom."),
        ("The {{IPA|/tʃ/}} sound ({{IPAc-en|tʃ}}), {{IPA link|x}}, {{IPA|[x]|lang=de}}.", "The /tʃ/ sound, x, [x]."),
        ("A & B &amp; C &nbsp; D &lt;br&gt; &#91;x&#93; &lbrace;", "A & B & C D <br> [x] {"),
        ("* {{flagicon|FRA}} [[France]] – 3\n* {{flag|Spain}} – 2", "- France – 3\n- Spain – 2"),
        ("# one\n#: more\n# two\n#* sub", "- one\nmore\n- two\n  - sub"),
        ("<ref name=a>{{cite web|url=x|title=y}}</ref><ref name=a/> Text<ref>a</ref><ref>b</ref>, end.<ref group=n>c</ref>", "Text, end."),
        ("Text <nowiki>{{not}}</nowiki> and <code><nowiki>[[x]]</nowiki></code> and &#123;&#123;x&#125;&#125;.", "Text {{not}} and [[x]] and {{x}}."),
        ("|prose begins\nmore\n\n| {{nowrap|and}} | more", "|prose begins\nmore\n\n| and | more"),
    ],
)
def test_a_sentence_with_several_templates_reads_as_it_is_shown(wikitext: str, text: str):
    assert shown(wikitext) == text
