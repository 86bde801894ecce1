import pytest

from tests.kernels.reading.parsing.wikitext.readings.pages import shown


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("About {{val|6.022|e=23|u=mol-1}}.", "About 6.022×10^23 mol^-1."),
        ("About {{val|12345.678}} m.", "About 12345.678 m."),
        ("About {{val|6.674|0.015|e=-11|u=m3 kg-1 s-2}}.", "About (6.674±0.015)×10^-11 m^3 kg^-1 s^-2."),
        ("About {{val|5|+2|-1|u=km}}.", "About 5 (+2 -1) km."),
        ("About {{val|5|to|7|u=km}}.", "About 5 to 7 km."),
        ("About {{val|20|u=%}}, {{val|p=~|5|u=m}}.", "About 20%, ~5 m."),
        ("About {{val|5|(2)|e=3}}.", "About 5(2)×10^3."),
        ("About {{val|299792458|u=m/s|fmt=commas}}.", "About 299,792,458 m/s."),
        ("A {{frac|7|1|2}} and {{sfrac|x|y}} and {{fraction|1|3}}.", "A 7 1/2 and x/y and 1/3."),
        ("{{spellnum|21}} and {{spellnum|1000}}.", "twenty-one and one thousand."),
        ("{{number to word|7}} ducks.", "seven ducks."),
        ("{{ordinal to word|3}} place.", "third place."),
        ("{{ordinal|3}} and {{ordinal|12}}, {{ordinal|101}}.", "3rd and 12th, 101st."),
        ("10{{e|5}} or 3{{e|-5}}.", "10×10^5 or 3×10^-5."),
        ("5{{x10^|5}} or {{x10|3}}.", "5×10^5 or ×10^3."),
        ("{{gaps|1|234|567|u=m}} long.", "1234567 m long."),
        ("{{Percentage|3|7|1}} of them.", "42.9% of them."),
        ("{{pct|50|200}} of them.", "25% of them."),
        ("{{decrease}} 4.", "4."),
        ("{{DEC2|a}} {{hex|FF}} kept. Next.", "Next."),
    ],
)
def test_a_number_reads_as_it_is_shown(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("Born {{birth date|1950|5|2|df=y}}.", "Born 2 May 1950."),
        ("Born {{birth date and age|1950|5|2}}.", "Born May 2, 1950."),
        ("On {{start date|2001|9|11}} and {{end date|2001|9}}.", "On September 11, 2001 and September 2001."),
        ("At {{start date|2001|9|11|8|46}}.", "At 08:46, September 11, 2001."),
        ("({{circa}} 1850)", "(c. 1850)"),
        ("{{circa|lk=no|1850}} and {{c|1850}} and {{circa|1850|1870}}.", "c. 1850 and c. 1850 and c. 1850 – c. 1870."),
        ("({{floruit|1200|1250}})", "(fl. 1200–1250)"),
        ("({{reign|1200|1250}})", "(r. 1200–1250)"),
        ("({{r.|1200|1250}})", "(r. 1200–1250)"),
        ("({{reign|1200}})", "(r. 1200)"),
        ("({{born in|1950}})", "(born 1950)"),
        ("({{born-in|1950}}), ({{died-in|1990}})", "(b. 1950), (d. 1990)"),
        ("({{b.|1950}}), ({{d.|1990}})", "(b. 1950), (d. 1990)"),
        ("({{marriage|Jane Doe|1950|1960|end=div}})", "(Jane Doe (m. 1950; div. 1960))"),
        ("{{marriage|Jane Doe|1950}}", "Jane Doe (m. 1950)"),
        ("He died {{death date and age|1990|2|1|1950|5|2}}.", "He died February 1, 1990."),
        ("In {{date|2011-05-04|dmy}}.", "In 4 May 2011."),
        ("In {{dts|2011|5|4}}.", "In May 4, 2011."),
        ("{{as of|2012|May}} it.", "As of May 2012 it."),
        ("{{as of|2012|5|1|df=US|lc=on}} it.", "as of May 1, 2012 it."),
        ("{{As of|since=y|2012}}, it.", "Since 2012, it."),
        ("{{Age in years, months and days|1900|1|1|1910|3|5}}.", "10 years, 2 months and 4 days."),
        ("It took {{age in days|2000|1|1|2000|3|1}}.", "It took 60 days."),
        ("{{time interval|1 January 2000|3 March 2001}} passed.", "1 year, 2 months and 2 days passed."),
        ("{{duration|1|2|3}} long.", "1:02:03 long."),
        ("{{duration|m=3|s=5}} long.", "3:05 long."),
        ("{{BCE|44}} and 44{{nbsp}}{{BC}}. Kept.", "44 BCE and 44 BC. Kept."),
        ("In 5 {{AD}}, {{CE}}, {{BCE}}.", "In 5 AD, CE, BCE."),
        ("The {{century|19}} was. Kept.", "The 19th century was. Kept."),
        ("{{Mya|65}} or {{ma|540|489}}, {{bya|4.5}}. Kept.", "Kept."),
        ("{{Julian date}}. Kept.", "Kept."),
        ("From {{OldStyleDate|12 July|1776|1 July}}.", "From 12 July 1776 [O.S. 1 July]."),
        ("{{Segment|a}}. Kept.", "Kept."),
    ],
)
def test_a_date_or_a_span_reads_as_it_is_shown(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("It cost {{US$|5}} or {{USD|5|long=no}}, {{US$|5 million|year=2010}}.", "It cost US$5 or US$5, US$5 million."),
        ("It cost {{GBP|3.5}} and {{EUR|20}}, {{euro|30}}.", "It cost £3.5 and €20, €30."),
        ("It cost {{INRConvert|20|crore}}.", "It cost ₹20 crore."),
        (
            "It cost {{JPY|500}}, {{CNY|20}}, {{RMB|30}}, {{KRW|500}}, {{AUD|4}}, {{A$|5}}, {{NZ$|4}}, {{C$|3}}, {{HK$|9}}.",
            "It cost ¥500, CN¥20, CN¥30, ₩500, A$4, A$5, NZ$4, C$3, HK$9.",
        ),
        ("It cost {{£|30}}, {{€|30}}, {{$|4}}, {{¥|500}}.", "It cost £30, €30, $4, ¥500."),
        ("It cost {{Currency|5|USD}}, {{currency|1000|JPY}}, {{currency|5|XYZ}}. Kept.", "Kept."),
        (
            "It cost {{PHP|5}}, {{₱|6}}, {{IDR|5}}, {{CHF|5}}, {{SEK|5}}, {{PLN|5}}, {{THB|5}}, {{ZAR|5}}, {{NGN|5}}, {{₦|4}}.",
            "It cost ₱5, ₱6, Rp5, CHF 5, SEK 5, PLN 5, ฿5, R5, ₦5, ₦4.",
        ),
        ("It cost {{£sd|l=3|s=2|d=6}} and {{£sd|s=5}}.", "It cost £3 2s 6d and 5s."),
        ("It cost {{Format price|1234567}}, {{format price|950}}.", "It cost 1.23 million, 950."),
        ("It cost {{USDCNY|5}}. Kept.", "Kept."),
        ("Worth {{To USD|5|GBR}}. Kept.", "Kept."),
    ],
)
def test_money_reads_with_its_sign(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("{{HMS|Victory||6}} and {{HMS|Hood|51}}.", "HMS Victory and HMS Hood (51)."),
        ("{{USS|Nimitz|CVN-68|2}} and {{USS|Nimitz|CVN-68|3}}.", "Nimitz and Nimitz (CVN-68)."),
        (
            "{{SS|Great Eastern}}, {{RMS|Titanic}}, {{MV|Doulos}}, {{HMAS|Sydney|D48|6}}, {{SMS|Emden|1908|6}}.",
            "SS Great Eastern, RMS Titanic, MV Doulos, HMAS Sydney, SMS Emden.",
        ),
        (
            "{{ship|Japanese battleship|Yamato}}, {{ship||Bismarck|1939|2}}, {{ship|German battleship|Bismarck||2}}.",
            "Japanese battleship Yamato, Bismarck, Bismarck.",
        ),
        ("{{GS|Scharnhorst||2}} and {{German submarine|U-96|1940|2}}.", "Scharnhorst and U-96."),
        ("{{French ship|Bretagne||2}}, {{Japanese ship|Kaga}}.", "Bretagne, Japanese ship Kaga."),
        ("{{ship class|Iowa|battleship}}.", "Iowa-class battleship."),
        ("{{Jet|F-16}}. Kept.", "Kept."),
    ],
)
def test_a_ship_reads_as_its_name(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        (
            "{{flag|France}}, {{flagu|GER}}, {{flagicon|USA}} Smith, {{flagcountry|UK}}, {{USA}}, {{fb|BRA}}, {{FRA}}.",
            "France, Germany, Smith, United Kingdom, United States, Brazil, France.",
        ),
        ("{{flagdeco|France}} Nice, {{flag icon|ESP}} Madrid, {{noflag|Foo}}, {{flagicon image|a.svg}} Bar.", "Nice, Madrid, Foo, Bar."),
        ("They won {{score|3|1}}, {{goal|34}}, {{yel|40}}. Kept.", "Kept."),
        ("{{winpct|10|5}} record. {{winning percentage|10|5}} too.", ".667 record. .667 too."),
        ("{{coord|40|26|46|N|79|58|56|W|display=inline,title}} and {{coord|40.446|-79.982}}.", "40°26′46″N 79°58′56″W and 40.446°N 79.982°W."),
        ("{{coord|57|18|22.5|N|4|27|32.7|W|type:city}}.", "57°18′22.5″N 4°27′32.7″W."),
        ("{{coord|12.5|N|33|E|region:X}}.", "12.5°N 33°E."),
        ("On {{jct|state=CA|I|5}}. Take {{I-|5}}. Kept.", "On I-5. Take I-5. Kept."),
        ("On {{jct|state=CA|US|101|SR|1}}. Kept.", "On US 101 / SR 1. Kept."),
        ("The {{rws|Leeds}}, {{stnlnk|York}}, {{station|Bath}}, {{lnl|X Railway|Blue}}. Kept.", "Kept."),
        ("The {{rws|Leeds}}, {{stn|York}}, {{stnlnk|Hull}}.", "The Leeds, York, Hull."),
        ("The {{avi|3}} of {{nhrp}}. Kept.", "Kept."),
        ("{{bibleverse|Genesis|1:1}} and {{Bibleref2|John|3:16|KJV}} and {{qref|2|255}}.", "Genesis 1:1 and John 3:16 and Quran 2:255."),
        ("{{sfrac|1|2}}{{efn|A [[note]] {{nowrap|x}}.}} and{{refn|group=n|See {{harvnb|A|2000}}.}} b{{sfn|A|2000|p=3}}.", "1/2 and b."),
        (
            "{{doi|10.1/2}}, {{ISBN|978-0}}, {{arxiv|1234.5678}}, {{PMID|123}}, {{OCLC|5}}.",
            "doi:10.1/2, ISBN 978-0, arXiv:1234.5678, PMID 123, OCLC 5.",
        ),
        ("{{oeis|A000045}} and {{OEIS2C|A1}}.", "(sequence A000045 in the OEIS) and A1."),
        ("{{US patent|123456}} and {{UKSI|2000|1}}. Kept.", "Kept."),
        ("The {{RA|12|34|56}} {{DEC|+12|34|56}} star.", "The 12h 34m 56s +12° 34′ 56″ star."),
        ("{{Solar mass|5}} and {{Solar mass}}, 5 {{solar mass|link=y}}. Kept.", "5 M☉ and M☉, 5 M☉. Kept."),
        ("The {{M|31}} and {{nowrap|5 {{Solar mass|link=y}}}}. Kept.", "Kept."),
        ("Species ''{{extinct}}Foo'' and {{dagger}}Bar and {{au|L.}} and {{small|(Linn.)}}.", "Species †Foo and †Bar and L. and (Linn.)."),
        ("{{em dash}}, {{en dash}}, {{minus}}5, 3{{times}}4, a{{dot}} b.", "—, –, -5, 3×4, a · b."),
        ("{{lang-rus|Москва|p=mɐˈskva|a=x.ogg|Moskva}}.", "Russian: Москва, romanized: Moskva, IPA: [mɐˈskva]."),
        ("{{lang-rus|Москва|Moskva|r=Moskva}}.", "Russian: Москва, romanized: Moskva."),
        ("{{rp|34}} x{{ref|a}} y{{note|a}} z{{ref label|a|b}}.", "x y z."),
    ],
)
def test_a_place_a_team_or_a_source_reads_as_it_is_shown(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("{{Inflation|US|100|1950|2000}}", "716"), ("{{Inflation|US|100|1950|2000|fmt=eq}}", "equivalent to $716 in 2000"),
        ("{{Inflation|US|800|1861|r=-2}}", "21400"), ("{{formatnum:{{Inflation|US|800|1861|r=-2}}}}", "21,400"),
        ("{{Inflation/year|US}}", "2016"), ("{{Format price|{{inflation|US|3160384|2003}}}}", "4.12 million"),
        ("A {{Inflation|UK|5|1900}} here. Kept.", "Kept."), ("A {{Inflation|US|5|1700}} here. Kept.", "Kept."),
    ],
)  # fmt: skip
def test_a_sum_of_dollars_is_told_in_dollars_of_the_year_of_the_text(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize("wikitext", ["A {{aut|Smith}} b.", "A {{bar|x}} here. Kept.", "A {{hms|1|2}} here. Kept.", "A {{won|x}} here. Kept."])
def test_a_name_in_small_letters_is_no_code(wikitext: str):
    assert shown(wikitext) in ("A Smith b.", "Kept.")


def test_a_code_of_a_country_and_a_currency_is_told_by_its_value():
    assert shown("{{ESP}} and {{ESP|1939}} paid {{ESP|500}}; {{CRC|1,000}} in {{CRC}}.") == "Spain and Spain paid ESP 500; ₡1,000 in Costa Rica."


def test_a_sum_with_a_value_that_is_not_understood_is_lost():
    assert shown("It cost {{INR|2.5|c}}. Kept.") == "Kept."


def test_laws_are_cited_by_their_numbers():
    assert shown("By {{USC|42|1983}}, {{ussc|410|113|1973}}, {{USPL|111|148}}, {{EPC Article|52|2}} and {{PCT Rule|8}}.") == (
        "By 42 U.S.C. \u00a7 1983, 410 U.S. 113 (1973), Pub. L. 111\u2013148, Article 52(2) EPC and Rule 8 PCT."
    )
