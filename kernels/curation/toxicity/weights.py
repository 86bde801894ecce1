"""What English words of profanity lists weigh: 1 where nothing is said here, less where a word also has, or mostly has, a decent use.

The lists were made to be careful: they hold terms of medicine and law, names of people and peoples, and jokes. Weights were set by judgement,
with counts of the listed words in passages of an encyclopedia, a novel and RealToxicityPrompts in sight; HateCheck and XSTest were not.
"""

_ORDINARY_WORDS = """
anal anus areola areole aryan azazel balls barenaked bestial big black bloodclaat bombers bombing bondage boned boche boches bosch bosche
bosches breasts bung bunga busty cervix chug chugs chunkies chute cialis clansman clansmen clanswoman clanswomen clitoris coital coitus
copulate cox crabs cracker crotch cummer cummin cumquat demon dike dix domination dominatrix dong dvda ejaculate ejaculated ejaculates
ejaculating ejaculation erect erection ero erotic erotism escort eunuch excrement faeces fagged fanny fatah fecal feces fetish fingerfood
fingering fitt flamer flange flasher flikker flipping floo floozy fondle footaction footstar foreskin fornicate foursome fourtwenty geni
genital genitals gigolo gipp glans gob gonad gonads gora goras grope gummer guro hadji hadjis haji hajis hajji hajjis hamas haole haoles
hardcore hebe hebes hiscock hitler hitlerism hitlerist ho homoerotic hooker hookers hooter hooters hori horis hui hymen incest indon indons
intercourse jiga jigger jiggers jug jugg jugs kafir kanake kinky kkk klan klansman klansmen knob knobs knockers kuk kum kwa kusi labia
lapdance lesbian lolita lovemaking macaca masochist masturbate masturbating masturbation menage milf molest molestation molester mong muff
mung munging mzungu nad nads naked nawashi nazi nazis nazism negroid neonazi nip nipple nipples nips nsfw nude nudity orally orga orgasm
orgasmic orgasms orgies orgy orifice packi packie packy paedophile panties panty pecker pedophile pedophilia pegging penetrate penetration
penial penile penis penises perse perversion phallic phalli picka piefke playboy pocho porn porno pornography premature preteen pric
prostitute pubes pubic pubis pud pula pule puss pussycat quickie quicky quim rape raped raper raping rapist rectal rectum rectus reich rere
rigger rimming sadism santorum scat scissoring scrotum semen sex sexed sexual sexuality sexually sexy shibari shota shrimping sixtynine
skeet smut snatch snowballing sodom sodomise sodomite sodomize sodomy sperm spunky stiffy strapon strappado stroke stroking sucked sucker
sucking swallower swastika swinger teste testes testical testicle testicles testis threesome threeway throating titi topless tribadism tushy
twinkie undressing vag vagina viagra vibr vibrator virgin voyeur vulva wanky xx xxx yaoi zoophilia
"""
ORDINARY = frozenset(_ORDINARY_WORDS.split()) | {
    *("ball kicking", "big black", "big breasts", "date rape", "hard core", "group sex", "how to kill", "how to murder", "huge fat", "lemon party"),
    *(
        "menage a trois",
        "missionary position",
        "nsfw images",
        "phone sex",
        "s&m",
        "strip club",
        "suicide girls",
        "tainted love",
        "tied up",
        "violet wand",
    ),
    *("wet dream", "sultry women", "spread legs", "hot chick", "leather restraint", "g-spot", "auto erotic", "prince albert piercing"),
}
"""Weigh nothing: parts of the body, acts and crimes called by their names, parties, people, words with another common sense."""

_MILD_WORDS = """
arse ass asses bastard bastards boob boobs bollocks bugger buggery butt cock cocks coon coons dick dicks dyke dykes goddamn homo horny jap
japs jewess negro negroes piss pissed pisses pissing poof prick pricks queer queers redskin redskins spastic spunk suck sucks tit tits titty
turd twink crap damn
"""
MILD = frozenset(_MILD_WORDS.split()) | {"god damn"}
"""Weigh `MILD_WEIGHT`: mild, or as often a name, an animal, a verb or what a group calls itself."""
MILD_WEIGHT = 0.3

_INSULTS_WORDS = """
idiot idiots idiotic moron morons moronic imbecile imbeciles cretin dumbass dumbasses jackass scum scumbag scumbags vermin subhuman
subhumans retard retards retarded
"""
INSULTS = frozenset(_INSULTS_WORDS.split())
"""Words on no list that insults are made of; each has a decent use, so that one alone weighs little."""
INSULT_WEIGHT = 0.15


def weight(word: str) -> float:
    """Return what a word or phrase in small letters weighs."""
    if word in ORDINARY:
        return 0.0
    if word in MILD:
        return MILD_WEIGHT
    return INSULT_WEIGHT if word in INSULTS else 1.0
