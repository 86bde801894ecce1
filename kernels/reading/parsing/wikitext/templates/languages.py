"""Words of other languages: marked as such, named, spelled in Latin letters, translated. And the codes that Wikipedias go by."""

from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_NAMES: dict[str, str] = dict(
    (pair.strip().partition(" ")[0], pair.strip().partition(" ")[2])
    for pair in """
    aa Afar,ab Abkhaz,ae Avestan,af Afrikaans,ak Akan,akk Akkadian,als Alemannic German,am Amharic,an Aragonese,ang Old English,ar Arabic,
    arc Imperial Aramaic,arn Mapudungun,arz Egyptian Arabic,as Assamese,ast Asturian,av Avar,ay Aymara,az Azerbaijani,ba Bashkir,
    bar Bavarian,be Belarusian,ber Berber,bg Bulgarian,bi Bislama,bm Bambara,bn Bengali,bo Tibetan,br Breton,bs Bosnian,ca Catalan,
    ce Chechen,ceb Cebuano,ch Chamorro,chr Cherokee,cnr Montenegrin,co Corsican,cop Coptic,cr Cree,crh Crimean Tatar,cs Czech,
    csb Kashubian,cu Church Slavonic,cv Chuvash,cy Welsh,da Danish,de German,din Dinka,dsb Lower Sorbian,dv Divehi,dz Dzongkha,ee Ewe,
    egy Egyptian,el Greek,en English,enm Middle English,eo Esperanto,es Spanish,et Estonian,eu Basque,fa Persian,ff Fula,fi Finnish,
    fil Filipino,fj Fijian,fo Faroese,fr French,frm Middle French,fro Old French,frp Arpitan,frr North Frisian,fur Friulian,
    fy West Frisian,ga Irish,gag Gagauz,gd Scottish Gaelic,gez Geez,gl Galician,gmh Middle High German,gn Guarani,goh Old High German,
    got Gothic,grc Ancient Greek,gsw Swiss German,gu Gujarati,gv Manx,ha Hausa,haw Hawaiian,he Hebrew,hi Hindi,hr Croatian,
    hsb Upper Sorbian,ht Haitian Creole,hu Hungarian,hy Armenian,ia Interlingua,id Indonesian,ig Igbo,ilo Ilocano,io Ido,is Icelandic,
    it Italian,iu Inuktitut,ja Japanese,jv Javanese,ka Georgian,kab Kabyle,kk Kazakh,kl Greenlandic,km Khmer,kn Kannada,ko Korean,
    krc Karachay-Balkar,ks Kashmiri,ku Kurdish,kv Komi,kw Cornish,ky Kyrgyz,la Latin,lad Judaeo-Spanish,lb Luxembourgish,lg Luganda,
    li Limburgish,lij Ligurian,lld Ladin,lmo Lombard,ln Lingala,lo Lao,lt Lithuanian,lv Latvian,mg Malagasy,mh Marshallese,mi Māori,
    mk Macedonian,ml Malayalam,mn Mongolian,mnc Manchu,mr Marathi,ms Malay,mt Maltese,my Burmese,na Nauruan,nah Nahuatl,nap Neapolitan,
    nb Norwegian Bokmål,nci Classical Nahuatl,nds Low German,ne Nepali,nl Dutch,nn Norwegian Nynorsk,no Norwegian,non Old Norse,
    nso Northern Sotho,nv Navajo,ny Chewa,oc Occitan,om Oromo,or Odia,os Ossetian,ota Ottoman Turkish,pa Punjabi,pal Middle Persian,
    pap Papiamento,peo Old Persian,phn Phoenician,pi Pali,pl Polish,pms Piedmontese,pnb Western Punjabi,ps Pashto,pt Portuguese,qu Quechua,
    rm Romansh,rn Kirundi,ro Romanian,ru Russian,rue Rusyn,rup Aromanian,rw Kinyarwanda,sa Sanskrit,sah Yakut,sc Sardinian,scn Sicilian,
    sco Scots,sd Sindhi,se Northern Sami,sg Sango,sh Serbo-Croatian,si Sinhala,sk Slovak,sl Slovene,sm Samoan,sn Shona,so Somali,
    sq Albanian,sr Serbian,ss Swazi,st Sotho,su Sundanese,sux Sumerian,sv Swedish,sw Swahili,syc Classical Syriac,syr Syriac,szl Silesian,
    ta Tamil,te Telugu,tet Tetum,tg Tajik,th Thai,ti Tigrinya,tk Turkmen,tl Tagalog,tn Tswana,to Tongan,tr Turkish,ts Tsonga,tt Tatar,
    tw Twi,ty Tahitian,udm Udmurt,ug Uyghur,uk Ukrainian,ur Urdu,uz Uzbek,ve Venda,vec Venetian,vi Vietnamese,vo Volapük,wa Walloon,
    wo Wolof,xh Xhosa,yi Yiddish,yo Yoruba,yua Yucatec Maya,yue Cantonese,zh Chinese,zu Zulu,sr-cyrl Serbian Cyrillic,
    sr-latn Serbian Latin,pt-br Brazilian Portuguese,zh-hant Traditional Chinese,zh-hans Simplified Chinese
    """.replace("\n", "").split(",")
)  # fmt: skip
"""English names of languages by their codes of ISO 639."""

_MORE_WIKIPEDIAS = """
    ace ady alt ami anp arz ary atj avk awa azb ban bat-smg bbc bcl bdr be-tarask be-x-old bew bh bjn blk bpy btm bug bxr cbk-zam cdo cho chy
    ckb cu dag dga diq dtp dty eml ext fat fiu-vro fon gan gcr glk gom gor guc gur guw hak hif ho hyw hz ie ik inh jam jbo kaa kbd kbp kcg kg
    kge ki kj koi kr ksh kus lbe lez lfn lrc ltg lzh mad mai map-bms mdf mhr min mni mnw mos mrj mus mwl myv mzn nan nds-nl new ng nia nov nqo
    nrm nup olo pag pam pcd pcm pdc pfl pih pnt pwn rmy roa-rup roa-tara rsk sat shi shn shy simple skr smn srn stq szy tay tcy tdd tly tpi trv
    tum tyv vep vls vro war wuu xal xmf za zea zgh zh-classical zh-min-nan zh-yue zh-cn zh-tw
""".split()  # noqa: SIM905
WIKIPEDIAS = frozenset(_NAMES) - {"akk", "phn", "sux"} | frozenset(_MORE_WIKIPEDIAS)
"""Prefixes by which a link leads to another language's Wikipedia, and shows nothing."""

_SPELLED = ("translit", "tr", "rom", "romanization")
_MEANT = ("lit", "translation", "trans", "gloss")


def language_name(code: str) -> str:
    """Return the English name of a language by its code, with or without a country or script; empty where it is not known."""
    code = code.strip().lower().replace("_", "-")
    return _NAMES.get(code) or _NAMES.get(code.partition("-")[0], "")


def _shown(call: Arguments, code: str, values: list[str]) -> str | None:
    """Return a word of another language with the language's name before it, its spelling and its meaning behind it."""
    values = [*values, "", "", ""]
    word = values[0] or call.get("text")
    if not word or not call.wiki.is_english:
        return word or None
    label = call.get("label") or language_name(code)
    shown = word if label.lower() == "none" or not label else f"{label}: {word}"
    spelled, meant = call.get(*_SPELLED) or values[1], call.get(*_MEANT) or values[2]
    shown += f", romanized: {spelled}" if spelled else ""
    return shown + (f", lit. '{meant}'" if meant else "")


def _langx(call: Arguments) -> str | None:
    """{{langx|cs|Labe}}."""
    return _shown(call, call.value(1), call.values[1:])


def _lang_code(call: Arguments) -> str | None:
    """{{lang-cs|Labe}}."""
    return _shown(call, call.name.removeprefix("lang-"), call.values)


def _russian(call: Arguments) -> str | None:
    """{{lang-rus|word|spelling|pronunciation|r=|p=}}."""
    word, spelled, sounds = call.value(1), call.get("r") or call.value(2), call.get("p") or call.value(3)
    shown = _shown(call, "ru", [word, spelled])
    return f"{shown}, IPA: [{sounds}]" if shown and sounds and call.wiki.is_english else shown


def _glossed(call: Arguments) -> str | None:
    """{{langnf|de|word|meaning}}."""
    shown = _shown(call, call.value(1), [call.value(2)])
    return f'{shown}, "{call.value(3)}"' if shown and call.value(3) else shown


def _lang(call: Arguments) -> str | None:
    """{{lang|fr|mot}}."""
    return call.value(2) or call.get("text") or None


def _japanese(call: Arguments) -> str | None:
    """{{nihongo|English|kanji|rōmaji|extra|extra 2}}."""
    english, kanji, romaji, extra, extra_2 = [*call.values, "", "", "", "", ""][:5]
    extra, extra_2 = extra or call.get("extra"), extra_2 or call.get("extra2")
    inside = ", ".join(part for part in (kanji, romaji, extra) if part)
    first = english or romaji or kanji
    inside = inside if english else ", ".join(part for part in (kanji if first != kanji else "", extra) if part)
    return f"{first} ({inside}) {extra_2}".rstrip() if first and inside else f"{first} {extra_2}".strip() or None


def _japanese_3(call: Arguments) -> str | None:
    """{{nihongo3|English|kanji|rōmaji}}: the rōmaji first."""
    english, kanji, romaji, extra = [*call.values, "", "", "", ""][:4]
    inside = ", ".join(part for part in (kanji, english, extra) if part)
    first = romaji or kanji
    return f"{first} ({inside})" if first and inside else first or english or None


_CHINESE = (
    ("c", "Chinese"), ("s", "simplified Chinese"), ("t", "traditional Chinese"), ("p", "pinyin"),
    ("hp", "pinyin"), ("tp", "Tongyong Pinyin"), ("w", "Wade\u2013Giles"),
    ("j", "Jyutping"), ("cy", "Cantonese Yale"), ("poj", "Pe\u030dh-\u014de-j\u012b"), ("l", "lit."), ("tr", "trans."),
)  # fmt: skip


def _chinese(call: Arguments) -> str | None:
    """{{zh|s=...|t=...|p=...}}."""
    named = dict(call.named)
    if call.first and not any(named.get(key) for key in "cst"):
        named["c"] = call.first
    parts = [f"{label}: {named[key]}" if label[-1:] != "." else f"{label} '{named[key]}'" for key, label in _CHINESE if named.get(key)]
    if call.get("labels").lower() in ("no", "n"):
        parts = [named[key] for key, _ in _CHINESE if named.get(key)]
    return "; ".join(parts) or None


_KOREAN = (("hangul", "Korean"), ("hanja", "Hanja"), ("rr", "RR"), ("mr", "MR"), ("lit", "lit."))


def _korean(call: Arguments) -> str | None:
    """{{korean|hangul=...|hanja=...|rr=...}}."""
    named = dict(call.named)
    for key, value in zip(("hangul", "hanja", "rr"), call.values, strict=False):
        named.setdefault(key, value)
    parts = [f"{label}: {named[key]}" if label[-1:] != "." else f"{label} '{named[key]}'" for key, label in _KOREAN if named.get(key)]
    return "; ".join(parts) or None


def _as_given(call: Arguments) -> str | None:
    return call.first or None


def find(name: str) -> Callable[[Arguments], str | None] | None:
    """Return the renderer of ``lang-cs``, ``script/Arab`` and their kin."""
    if name.startswith("script/"):
        return _as_given
    return _lang_code if name.startswith("lang-") and len(name) < 20 else None


RENDERERS = (
    {"lang-rus": _russian, "langnf": _glossed, "langx": _langx, "lang": _lang, "langr": _lang, "nihongo": _japanese}
    | {"nihongo krt": _japanese_3, "nihongo3": _japanese_3}
    | dict.fromkeys(("zh", "zhi", "lang-zh", "zh-full", "zh-cp", "zh-cpl", "zh-sp", "zh-tp", "zh-stp", "zh-tsp", "zh-st", "zh-ts"), _chinese)
    | dict.fromkeys(("korean", "lang-ko-hangul", "ko-hhrm"), _korean)
    | dict.fromkeys(("nihongo2", "nihongo core", "kanji", "jp", "zh-hant", "zh-hans", "hangul"), _as_given)
)  # fmt: skip
"""Renderers by the name of a template in lower case."""
