import pytest

from tests.kernels.reading.parsing.wikitext.readings.pages import shown


@pytest.mark.parametrize(
    ("language", "wikitext", "text"),
    [
        (
            "de",
            "Der Name ({{enS|House}}) und {{laS|Roma}} sowie {{ruS|Москва|Moskwa}}.",
            "Der Name (englisch House) und lateinisch Roma sowie russisch Москва Moskwa.",
        ),
        ("de", 'Er sagte {{"|Nein}} dazu.', "Er sagte „Nein“ dazu."),
        ("de", "Der Berg ist {{Höhe|1234|DE-NHN}} hoch, {{Höhe|2962|AT|link=true}}.", "Der Berg ist 1234 m ü. NHN hoch, 2962 m ü. A.."),
        ("de", "Nach {{§|823|bgb|juris}} BGB und {{Art.|1|gg|juris}} GG.", "Nach § 823 BGB und Art. 1 GG."),
        ("de", "In {{Bibel|Joh|3|16|EU}} steht es.", "In Joh 3,16 steht es."),
        ("de", "Am {{Datum|4|5|2011}}.", "Am 4. Mai 2011."),
        ("de", "{{Hauptartikel|Foo}}\nText.{{Belege fehlen|x}}", "Text."),
        ("de", "Es gibt {{formatnum:12345}} Leute und {{nowrap|5 km}}, {{lang|fr|Roi}}.", "Es gibt 12.345 Leute und 5 km, Roi."),
        ("de", "Am 4.&nbsp;Mai{{FN|1}} war z.&nbsp;B. {{Anker|x}}Text. Der {{Unbekannt|x}} fehlt. Ja.", "Am 4. Mai war z. B. Text. Ja."),
        ("de", "Im 3.{{nbsp}}Jh. {{Unbekannt|x}} fehlt. Ja.", "Ja."),
        ("fr", "Au {{s-|XIX|e}} et au {{XXe siècle}}, {{IIIe}} jour.", "Au XIXe siècle et au XXe siècle, IIIe jour."),
        ("fr", "Le {{Ier}} et {{1er}} et {{2e}}.", "Le Ier et 1er et 2e."),
        ("fr", "Il pèse {{unité|25|kg}} et {{unité|30|m|2}}, {{nombre|25|habitants}}.", "Il pèse 25 kg et 30 m^2, 25 habitants."),
        ("fr", "Le {{date|4|juillet|1776|aux États-Unis}}.", "Le 4 juillet 1776."),
        ("fr", "Il dit {{citation|Non}} et {{guil|oui}}.", "Il dit « Non » et « oui »."),
        ("fr", "Au {{-s|II|e}} ou en 44 {{av JC}}.", "Au IIe siècle av. J.-C. ou en 44 av. J.-C.."),
        ("fr", "À {{heure|3|20}}, {{Mme}} X, {{n°|5}} et {{lien|langue=en|trad=Foo|fr=Fou|texte=le fou}}.", "À 3 h 20, Mme X, n° 5 et le fou."),
        ("fr", "Cela{{refnec|est vrai}}.{{référence nécessaire}} Oui{{Note|a}}.", "Celaest vrai. Oui."),
        (
            "fr",
            "Cm{{exp|2}} et H{{ind|2}}O, {{lang|en|house}}, {{nobr|5 km}}, {{souverain-|Louis XIV}}, {{formatnum:12345.5}}.",
            "Cm^2 et H2O, house, 5 km, Louis XIV, 12 345,5.",
        ),
        ("es", "El {{fecha|4|7|1776}} en el {{siglo|XIX||s}} y {{siglo|V|a}}.", "El 4 de julio de 1776 en el siglo XIX y V a. C.."),
        ("es", "Mide {{unidad|25|km}} o {{unidad|30|m|2}}; siglo {{versalita|XIX}}, 44 {{ac}}.", "Mide 25 km o 30 m^2; siglo XIX, 44 a. C.."),
        (
            "es",
            "{{AP|Foo}}\nTexto.{{cita requerida}} Dijo {{cita|algo}} y {{lang|en|house}} ({{lang-en|house}}).",
            "Texto. Dijo\n\nalgo\n\ny house (house).",
        ),
        (
            "vi",
            "Ông sinh {{ngày sinh|1950|5|2}} tại {{nhỏ|Huế}}.{{cần dẫn nguồn}} {{khoảng|1850}} có {{lang|fr|mot}}.",
            "Ông sinh 2 tháng 5, 1950 tại Huế. khoảng 1850 có mot.",
        ),
        ("vi", "Dài {{convert|5|km|mi}} và {{formatnum:1234.5}}.", "Dài 5 km (3.1 mi) và 1.234,5."),
        ("zh", "他在{{le|牛津|Oxford}}和{{link-en|劍橋|Cambridge|劍橋鎮}}，{{tsl|en|Bath|巴斯}}。", "他在牛津和劍橋鎮，巴斯。"),
        ("zh", "王{{bd|1900年|1月1日|1980年|2月2日}}是人。{{来源请求}}", "王（1900年1月1日－1980年2月2日）是人。"),
        ("zh", "-{zh-hans:计算机; zh-hant:電腦}-是-{机}-器。", "计算机是机器。"),
        ("zh", "一。二{{未知|x}}三。四。", "一。四。"),
        ("zh", "-{H|zh-cn:软件;zh-tw:軟體}-这-{A|zh-cn:软件;zh-tw:軟體}-好。", "这软件好。"),
        ("zh", "{{noteTA|T=x}}\n面积{{convert|5|km2|sqmi}}，{{formatnum:12345}}人。", "面积5 km^2 (1.9 sq mi)，12,345人。"),
        ("zh", "他說。「好！」她{{未知|x}}走。完了！", "他說。「好！」完了！"),
    ],
)
def test_a_wiki_of_another_language_has_its_own_templates(language: str, wikitext: str, text: str):
    assert shown(wikitext, language) == text


def test_a_french_template_that_only_looks_like_a_figure_is_lost():
    assert shown("Le {{vide}} et {{Ville}} ici. Oui.", "fr") == "Oui."
