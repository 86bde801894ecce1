"""Countries by name or code, places with their region, coordinates, verses of scripture."""

from collections.abc import Callable

from kernels.reading.parsing.wikitext.marks import NOTHING
from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.numbers import number

_COUNTRIES: dict[str, str] = dict(
    (pair.strip().partition(" ")[0], pair.strip().partition(" ")[2])
    for pair in """
    ABW Aruba,AFG Afghanistan,AGO Angola,AIA Anguilla,ALB Albania,ALG Algeria,AND Andorra,ANG Angola,ANT Antigua and Barbuda,
    ARE United Arab Emirates,ARG Argentina,ARM Armenia,ARU Aruba,ASA American Samoa,ATG Antigua and Barbuda,AUS Australia,AUT Austria,
    AZE Azerbaijan,BAH Bahamas,BAN Bangladesh,BAR Barbados,BDI Burundi,BEL Belgium,BEN Benin,BER Bermuda,BFA Burkina Faso,BGD Bangladesh,
    BGR Bulgaria,BHR Bahrain,BHS Bahamas,BHU Bhutan,BIH Bosnia and Herzegovina,BLR Belarus,BLZ Belize,BMU Bermuda,BOL Bolivia,BOT Botswana,
    BRA Brazil,BRB Barbados,BRN Brunei,BTN Bhutan,BUL Bulgaria,BUR Burkina Faso,BWA Botswana,CAF Central African Republic,CAM Cambodia,
    CAN Canada,CAY Cayman Islands,CGO Republic of the Congo,CHA Chad,CHE Switzerland,CHI Chile,CHL Chile,CHN China,CIV Ivory Coast,
    CMR Cameroon,COD Democratic Republic of the Congo,COG Republic of the Congo,COK Cook Islands,COL Colombia,COM Comoros,CPV Cape Verde,
    CRC Costa Rica,CRI Costa Rica,CRO Croatia,CUB Cuba,CYP Cyprus,CZE Czech Republic,DEN Denmark,DEU Germany,DJI Djibouti,DMA Dominica,
    DNK Denmark,DOM Dominican Republic,DZA Algeria,ECU Ecuador,EGY Egypt,ENG England,ERI Eritrea,ESA El Salvador,ESP Spain,EST Estonia,
    ETH Ethiopia,EU European Union,FIJ Fiji,FIN Finland,FJI Fiji,FRA France,FRG West Germany,FRO Faroe Islands,
    FSM Federated States of Micronesia,GAB Gabon,GAM Gambia,GBR United Kingdom,GBS Guinea-Bissau,GDR East Germany,GEO Georgia,
    GEQ Equatorial Guinea,GER Germany,GGY Guernsey,GHA Ghana,GIB Gibraltar,GIN Guinea,GMB Gambia,GNB Guinea-Bissau,GNQ Equatorial Guinea,
    GRC Greece,GRD Grenada,GRE Greece,GRL Greenland,GRN Grenada,GTM Guatemala,GUA Guatemala,GUI Guinea,GUM Guam,GUY Guyana,HAI Haiti,
    HKG Hong Kong,HND Honduras,HON Honduras,HRV Croatia,HTI Haiti,HUN Hungary,IDN Indonesia,IMN Isle of Man,INA Indonesia,IND India,
    IOM Isle of Man,IRI Iran,IRL Ireland,IRN Iran,IRQ Iraq,ISL Iceland,ISR Israel,ITA Italy,IVB British Virgin Islands,JAM Jamaica,JEY Jersey,
    JOR Jordan,JPN Japan,KAZ Kazakhstan,KEN Kenya,KGZ Kyrgyzstan,KHM Cambodia,KIR Kiribati,KNA Saint Kitts and Nevis,KOR South Korea,
    KOS Kosovo,KSA Saudi Arabia,KUW Kuwait,KWT Kuwait,LAO Laos,LAT Latvia,LBA Libya,LBN Lebanon,LBR Liberia,LBY Libya,LCA Saint Lucia,
    LES Lesotho,LIB Lebanon,LIE Liechtenstein,LKA Sri Lanka,LSO Lesotho,LTU Lithuania,LUX Luxembourg,LVA Latvia,MAC Macau,MAD Madagascar,
    MAR Morocco,MAS Malaysia,MAW Malawi,MCO Monaco,MDA Moldova,MDG Madagascar,MDV Maldives,MEX Mexico,MGL Mongolia,MHL Marshall Islands,
    MKD North Macedonia,MLI Mali,MLT Malta,MMR Myanmar,MNE Montenegro,MNG Mongolia,MON Monaco,MOZ Mozambique,MRI Mauritius,MRT Mauritania,
    MTN Mauritania,MUS Mauritius,MWI Malawi,MYA Myanmar,MYS Malaysia,NAM Namibia,NCA Nicaragua,NED Netherlands,NEP Nepal,NER Niger,
    NGA Nigeria,NGR Nigeria,NIC Nicaragua,NIR Northern Ireland,NLD Netherlands,NOR Norway,NPL Nepal,NRU Nauru,NZ New Zealand,NZL New Zealand,
    OMA Oman,OMN Oman,PAK Pakistan,PAN Panama,PAR Paraguay,PER Peru,PHI Philippines,PHL Philippines,PLE Palestine,PLW Palau,
    PNG Papua New Guinea,POL Poland,POR Portugal,PRC China,PRI Puerto Rico,PRK North Korea,PRT Portugal,PRY Paraguay,PSE Palestine,
    PUR Puerto Rico,QAT Qatar,ROC Republic of China,ROM Romania,ROU Romania,RSA South Africa,RUS Russia,RWA Rwanda,SAM Samoa,SAU Saudi Arabia,
    SCG Serbia and Montenegro,SCO Scotland,SDN Sudan,SEN Senegal,SEY Seychelles,SGP Singapore,SIN Singapore,SKN Saint Kitts and Nevis,
    SLB Solomon Islands,SLE Sierra Leone,SLO Slovenia,SLV El Salvador,SMR San Marino,SOL Solomon Islands,SOM Somalia,SRB Serbia,SRI Sri Lanka,
    SSD South Sudan,STP São Tomé and Príncipe,SUD Sudan,SUI Switzerland,SUR Suriname,SVK Slovakia,SVN Slovenia,SWE Sweden,SWZ Eswatini,
    SYC Seychelles,SYR Syria,TAN Tanzania,TCD Chad,TCH Czechoslovakia,TGA Tonga,TGO Togo,THA Thailand,TJK Tajikistan,TKM Turkmenistan,
    TLS Timor-Leste,TOG Togo,TON Tonga,TPE Chinese Taipei,TRI Trinidad and Tobago,TTO Trinidad and Tobago,TUN Tunisia,TUR Turkey,TUV Tuvalu,
    TWN Taiwan,TZA Tanzania,UAE United Arab Emirates,UGA Uganda,UK United Kingdom,UKR Ukraine,URS Soviet Union,URU Uruguay,URY Uruguay,
    US United States,USA United States,USSR Soviet Union,UZB Uzbekistan,VAN Vanuatu,VAT Vatican City,VCT Saint Vincent and the Grenadines,
    VEN Venezuela,VIE Vietnam,VIN Saint Vincent and the Grenadines,VNM Vietnam,VUT Vanuatu,WAL Wales,WLS Wales,WSM Samoa,YEM Yemen,
    YUG Yugoslavia,ZAF South Africa,ZAM Zambia,ZIM Zimbabwe,ZMB Zambia,ZWE Zimbabwe,ALA Åland,ASM American Samoa,BES Caribbean Netherlands,
    BLM Saint Barthélemy,BVT Bouvet Island,CCK Cocos (Keeling) Islands,CUR Curaçao,CUW Curaçao,CXR Christmas Island,CYM Cayman Islands,
    ESH Western Sahara,FLK Falkland Islands,GLP Guadeloupe,GUF French Guiana,HMD Heard Island and McDonald Islands,
    IOT British Indian Ocean Territory,MAF Saint Martin,MNP Northern Mariana Islands,MSR Montserrat,MTQ Martinique,MYT Mayotte,
    NCL New Caledonia,NFK Norfolk Island,NIU Niue,PCN Pitcairn Islands,PYF French Polynesia,REU Réunion,
    SGS South Georgia and the South Sandwich Islands,SHN Saint Helena,SJM Svalbard and Jan Mayen,SPM Saint Pierre and Miquelon,
    SXM Sint Maarten,TCA Turks and Caicos Islands,TKL Tokelau,VGB British Virgin Islands,VIR United States Virgin Islands,
    WLF Wallis and Futuna
    """.replace("\n", "").split(",")
)  # fmt: skip
"""Countries by their codes of ISO 3166, the Olympic Committee and FIFA."""


def is_country(code: str) -> bool:
    """Return whether a country goes by this code."""
    return code in _COUNTRIES


def country(text: str) -> str:
    """Return the name of a country that is given by name or code."""
    return _COUNTRIES.get(text.upper(), text)


def _flag(call: Arguments) -> str | None:
    """{{flag|France}}, {{flagcountry|FRA}}."""
    return call.get("name") or (country(call.value(1)) if call.value(1) else None)


def _flag_athlete(call: Arguments) -> str | None:
    """{{flagathlete|name|country}}."""
    return f"{call.value(1)} ({call.value(2)})" if call.value(2) else call.value(1) or None


def _code(call: Arguments) -> str | None:
    """{{USA}}, {{GER|1935}}, {{GER|empire}}: with another number, or in small letters, the template is about something else."""
    if not call.written.isupper():
        return None
    is_flag = not call.first or call.first.isalpha() or (len(call.first) == 4 and call.first.isdecimal())
    return call.get("name") or (_COUNTRIES[call.name.upper()] if is_flag else None)


def _city(call: Arguments) -> str | None:
    """{{city-state|Anniston|Alabama}}."""
    return ", ".join(value for value in call.values[:2] if value) or None


def _verse(call: Arguments) -> str | None:
    """{{bibleverse|John|3:16}}, {{bibleverse||John|3:16|KJV}}, {{bibleverse|1|John|4:8}}."""
    values = [value for value in call.values if value]
    if call.value(1).isdecimal() and len(values) > 2:
        return " ".join(values[:3])
    return " ".join(values[:2]) or None


def _surah(call: Arguments) -> str | None:
    """{{qref|2|255}}."""
    return f"Quran {call.value(1)}:{call.value(2)}" if call.value(2) else f"Quran {call.value(1)}" if call.value(1) else None


def _airport(call: Arguments) -> str | None:
    """{{airport codes|LAX|KLAX|p=n}}: the codes that airports go by, in brackets unless ``p`` says no."""
    codes = [f"{kind}: {code}" for kind, code in zip(("IATA", "ICAO", "FAA LID"), call.values, strict=False) if code]
    shown = ", ".join(codes)
    return (shown if call.get("p").lower() in ("n", "no") else f"({shown})") if codes else None


_SIDES = {"N": "N", "S": "S", "E": "E", "W": "W", "O": "W"}


def _coordinates(call: Arguments) -> str | None:
    """{{coord|51|30|N|0|7|W|display=inline}}; what is shown at the top of the page alone says nothing in the sentence."""
    if call.get("display").lower() in ("title", "t"):
        return NOTHING
    values = [value for value in call.values if value and ":" not in value]
    if len(values) >= 2 and all(number(value) is not None for value in values[:2]) and not any(value in _SIDES for value in values):
        latitude, longitude = (number(value) for value in values[:2])
        assert latitude is not None and longitude is not None
        return f"{abs(latitude)}\u00b0{'S' if latitude < 0 else 'N'} {abs(longitude)}\u00b0{'W' if longitude < 0 else 'E'}"
    parts: list[str] = []
    angle = ""
    for value in values:
        if value in _SIDES:
            parts.append(angle + value)
            angle = ""
        elif number(value) is not None and angle.count("\u2033") == 0:
            angle += value + ("\u00b0" if not angle else "\u2032" if "\u2032" not in angle else "\u2033")
        else:
            return None
    return " ".join(parts) if len(parts) == 2 and not angle else None


def find(name: str) -> Callable[[Arguments], str | None] | None:
    """Return the renderer of a country's code."""
    return _code if (name.upper() in _COUNTRIES and len(name) > 2) or name in ("uk", "us", "eu", "nz") else None


RENDERERS = (
    dict.fromkeys(
        ("flag", "flagcountry", "flagu", "flaglink", "flagg", "flag+link", "flagteam", "flag link", "country", "flag2", "noflag", "flagnoflag"), _flag
    )
    | dict.fromkeys(("flagathlete", "flagmedalist", "sportspersonflag"), _flag_athlete)
    | dict.fromkeys(("city-state", "city-region", "uscity", "us city"), _city)
    | dict.fromkeys(("bibleverse", "bibleref", "bibleref2", "bibleverse-nb", "bibleref2-nb", "bverse", "bible"), _verse)
    | dict.fromkeys(("qref", "quran-usc", "cite quran", "quran", "quran ref"), _surah)
    | dict.fromkeys(("coord", "coordinates"), _coordinates)
    | dict.fromkeys(("airport codes", "airport code"), _airport)
)
"""Renderers by the name of a template in lower case."""
