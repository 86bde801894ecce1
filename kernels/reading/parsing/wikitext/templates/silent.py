"""Templates that say nothing in a sentence: sources, notes to editors, pictures, navigation, infoboxes, signs without width."""

import re

SILENT = frozenset(
    " ".join(name.split())
    for name in """
    -, 0, abbreviations, according to whom, advert, ahnentafel, album chart, album ratings, allow wrap, also, ambox, anchor, anchors, audio,
    audio icon, authority control, aye, bar box, bar chart, bar percent, bartable, better source, better source needed, bots, bsn, by whom,
    by whom?, category, category see also, catholic, cbignore, chart, chart bottom, chart top, chart/end, chart/start, check mark,
    cia world factbook, circular reference, citation, citation needed, citation not found, citation style, citations, cite, clade,
    cladogram, clarification needed, clarify, clarify inline, clarify section, clarifyme, cleanup, clear, clear left, clear right,
    clearleft, clearright, closed access, clr, cn, cnnote, cnote, cnote2, cnspan end, cob, col begin, col break, col end, col-begin,
    col-break, col-end, colbegin, colend, collapse bottom, collapse top, collapsible list, color box, colour box, commons,
    commons and category, commons-inline, commonscat, commonscat-inline, confusing, contradict, contradict-inline, contradictory inline,
    convinfobox end, coor, copypaste, cot, cref, cref2, css image crop, dablink, date missing, dead, dead link, dead-link, deadlink,
    decrease, decrease positive, decreasepositive, defaultsort, definition needed, details, disambig, disambiguation, disambiguation needed,
    displaytitle, disputed, disputed inline, disputed-inline, distinguish, distinguish2, div, div col, div col end, div end, dmoz, dn, dnb,
    dubious, dubious span end, dummy ref, eb1911, editorializing, efn, efn-la, efn-lg, efn-lr, efn-num, efn-ua, efn-ug, efn-ur,
    emphasis needed, end div col, end unbulleted list, endflatlist, endhlist, endplainlist, engvarb, episode needed, etymology needed,
    expand section, explain, explain inline, external audio, external image, external links, external media, external music video,
    external video, fa, fact, facts, failed verification, fake citation, family tree, familytree, fcn, featured article, flag icon,
    flagdeco, flagicon, flagicon image, flatlist end, for multi, for-multi, free access, from whom, ft, full, full citation needed, further,
    further cleanup, further information, fv, ga, gain, globalize, good article, google books, graph, gutenberg author, harv,
    harvard citation no brackets ref, harvc, harvid, hatnote, hidden, hidden begin, hidden end, hlist end, how, how often, hs, huh, icon,
    image label, image label begin, image label end, image labels, importance inline, improve, in lang, in-lang, incomprehensible inline,
    inconsistent, increase, increase negative, increasenegative, inflation fn, inflation-fn, inflation/fn, infobox, interlanguage link note,
    internet archive author, interwiki conflict, irrelevant citation, isbn missing, italic title, italics title, italictitle, jargon,
    jargon inline, lang icon, language icon, largethumb, lead missing, left-to-right mark, legend, legend inline, legend-inline, legend0,
    librivox author, like resume, limited access, link note, linkrot, list missing criteria, listen, listen icon, location map, lookfrom,
    lopsided, loss, lre, lrm, main, main article, main category, main list, main page, main2, main3, mapframe, maplink, mcn,
    medical citation needed, merge from, merge to, more, more citations needed, more footnotes, more sources, multiple image,
    multiple images, multiple issues, na icon, nay, need quotation to verify, needs update, neologism, neologism inline,
    neutrality disputed, no change, no footnotes, no more links, no source, nobots, nobreak begin, nobreak end, nocaps, nochange,
    nomorelinks, non-primary source needed, non-specific, nonspecific, not in citation, not in citation given, not in ref,
    not in source, not specific enough to verify, not verified in body, notability, note, note label, notefoot, notelist, notelist-la,
    notelist-lr, notelist-ua, notes, notetag, nowrap begin, nowrap end, nowrapbegin, nowrapend, npov, obsolete source, onlyinclude,
    open access, or?, original research, original research inline, original research?, original synthesis inline, orphan,
    osmrelation-inline, other people, other places, other ships, other uses, otheruses, over-explained, over-quotation,
    overly detailed inline, page break, page needed, page number needed, page range too broad, pageneeded, pagenumber, paywall, peacock,
    peacock inline, peacock term, peacock-inline, plain row headers, plainlist end, pn, portal, portal bar, portal-inline, portalbar,
    pov inline, pov statement, pov-inline, pov-statement, pov?, primary source inline, primary source-inline, primary-source-inline, profit,
    promotion inline, promotional inline, pronunciation needed, puffery, qn, qualify evidence, quotation needed, quote needed,
    quote without source, r, ra, redirect, redirect-distinguish, redirect-multi, redirect2, redirect4, ref, ref begin, ref end, ref label,
    ref-list, refbegin, refend, references, refimprove, reflist, reflist-talk, refn, registration required, relevance, relevance inline,
    relevance note, relevant, right-to-left mark, rlm, rp, rs, rs-inline, s-aft, s-bef, s-break, s-end, s-start, s-ttl, scrbl,
    section link needed, see also, see also2, seealso, seewikisource, self published inline, self-published inline, self-published source,
    self-reference, sfn, sfnlink, sfnm, sfnmp, sfnp, sfnref, short description, short pages monitor, shy, sic note, sister project links,
    sister-inline, sisterlinks, sort under, source needed, sourcetext needed, specify, speculation inline, speculation-inline,
    spoken wikipedia, spoken wikipedia-2, spoken wikipedia-3, sps, sronly, stack, stack begin, stack end, steady, sticky,
    sticky header, stub, subject bar, subscription needed, subscription or libraries, subscription required, succession box,
    succession links, such as?, syn, synth, synthesis inline, table alignment, taxobox, technical, technical inline,
    term paraphrased inline, third-party inline, third-party source needed, tick, time needed, timeframe, title missing, toc, toc left,
    toc limit, toc right, tocleft, toclimit, toclimit2, tocright, tone inline, too few opinions, too long, top icon, track listing,
    tracklist, translation needed, transliteration needed, tree list, tree list/end, trivia, tsh, unbalanced, unbalanced opinion,
    unbalanced opinion?, unbulleted list end, uncategorized, unclear, under discussion inline, undue inline, undue weight inline,
    undue weight section, undue-inline, unreferenced, unreferenced section, unreliable fringe source, unreliable medical source,
    unreliable source, unreliable source inline, unreliable source?, unsourced, unused, update, update after, update inline, update needed,
    update-inline, vague, vague-inline, vagueness, vandalized, verification failed, verification needed, verify, verify credibility,
    verify inline, verify quote, verify source, verify-inline, very long, vn, void-inline, volume needed, wayback, wbr, weasel,
    weasel inline, weasel words, weasel-inline, weather box, weatherbox, webarchive, webcite, what, what?, when, when?, where, where?,
    which, which calendar, which?, who, who?, whom, whom?, whose, whose?, why, why?, wide image, wikibooks, wikibooks-inline, wikicite,
    wikidata fallback link needed, wikidata icon, wikimedia, wikinews, wikinews-inline, wikiquote, wikiquote-inline, wikisource,
    wikisource-inline, wikisourcelang, wikispecies, wikispecies-inline, wikiversity, wikivoyage, wikivoyage-inline, wiktionary,
    wiktionary-inline, word-inline, wrap, x mark, xmark, ya, year missing, year needed, yes check, zero width joiner, zero width non-joiner,
    zwj, zwnj, zwsp
    """.split(",")  # noqa: SIM905 (a column of names reads worse)
)
"""Names, in lower case, of what goes without a trace. Many are flags that editors put into a sentence, some stand in lists and tables alone."""

_PATTERN = re.compile(
    r"""(?:
        (?:infobox|cite|vcite|citation|harvard|pp|uw|wikisource|commons|wikimedia|navbox|sidebar|campaignbox|chart/|automatic|infraspecies
           |portal|source-attribution|rcat|clade|weather|location\ map|spaceflight|medal|legend|librivox|gutenberg|internet\ archive
           |library\ resources|worldcat|cia\ world|include-|text\ source|col|columns|div\ col|end\ div|toc|collapse|refbegin|clear|flagicon
           |sfn|efn|refn|family\ tree|tree\ chart|chart)(?:[-/\ ].*)?
      | use\ .*\b(?:dates|english|spelling|units)
      | (?:multiple|double|triple|wide|plain|css|tall|superimpose|external)\ (?:image|images|image\ crop|media|video|audio)
      | .*(?:\ stub|-stub|\ icon|\ needed|\ sidebar|\ navbox|\ topics|[\ -]inline|\ footer|\ reflist|\ by\ whom|\ missing|disambiguation)\??
      | (?:wikipedia|portal|user|help|category|file|image|mediawiki|wp)\s?:.*
      | (?:defaultsort|displaytitle|sortkey|defaultsortkey|defaultcategorysort|noexternallanglinks)\s?:?.*
      | (?:gold|silver|bronze)(?:\d\d?|\ medal)
      | \#(?:tag:ref|tag:gallery|coordinates|seo|related|section|lst|babel).*
      | (?:more|improve|additional|no|lacking|blp|primary|self-published|one|third-party|unreliable)\ (?:citations?|sources?|footnotes|references).*
    )""",
    re.VERBOSE,
)


def is_silent(name: str) -> bool:
    """Return whether a template of this lower-case name says nothing in a sentence."""
    return name in SILENT or _PATTERN.fullmatch(name) is not None
