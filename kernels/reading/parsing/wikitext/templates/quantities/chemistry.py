"""Formulas of chemistry, elements and nuclides."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_ELEMENTS = """
    hydrogen H helium He lithium Li beryllium Be boron B carbon C nitrogen N oxygen O fluorine F neon Ne sodium Na magnesium Mg aluminium Al
    aluminum Al silicon Si phosphorus P sulfur S sulphur S chlorine Cl argon Ar potassium K calcium Ca scandium Sc titanium Ti vanadium V
    chromium Cr manganese Mn iron Fe cobalt Co nickel Ni copper Cu zinc Zn gallium Ga germanium Ge arsenic As selenium Se bromine Br krypton Kr
    rubidium Rb strontium Sr yttrium Y zirconium Zr niobium Nb molybdenum Mo technetium Tc ruthenium Ru rhodium Rh palladium Pd silver Ag
    cadmium Cd indium In tin Sn antimony Sb tellurium Te iodine I xenon Xe caesium Cs cesium Cs barium Ba lanthanum La cerium Ce praseodymium Pr
    neodymium Nd promethium Pm samarium Sm europium Eu gadolinium Gd terbium Tb dysprosium Dy holmium Ho erbium Er thulium Tm ytterbium Yb
    lutetium Lu hafnium Hf tantalum Ta tungsten W rhenium Re osmium Os iridium Ir platinum Pt gold Au mercury Hg thallium Tl lead Pb bismuth Bi
    polonium Po astatine At radon Rn francium Fr radium Ra actinium Ac thorium Th protactinium Pa uranium U neptunium Np plutonium Pu americium
    Am curium Cm berkelium Bk californium Cf einsteinium Es fermium Fm mendelevium Md nobelium No lawrencium Lr rutherfordium Rf dubnium Db
    seaborgium Sg bohrium Bh hassium Hs meitnerium Mt darmstadtium Ds roentgenium Rg copernicium Cn nihonium Nh flerovium Fl moscovium Mc
    livermorium Lv tennessine Ts oganesson Og ununbium Uub ununtrium Uut ununquadium Uuq ununpentium Uup ununhexium Uuh ununseptium Uus ununoctium
    Uuo ununennium Uue unbinilium Ubn unbiunium Ubu unbibium Ubb unbiquadium Ubq unbihexium Ubh
""".split()  # noqa: SIM905
_SYMBOLS: dict[str, str] = dict(zip(_ELEMENTS[::2], _ELEMENTS[1::2], strict=True))


def _chemistry(call: Arguments) -> str | None:
    """{{chem|SO|4|2-}}: numbers are subscripts, charges superscripts."""
    parts: list[str] = []
    for place, part in enumerate(call.values):
        is_charge = re.fullmatch(r"\d*[+\u2212\u2013-]", part) is not None
        parts.append(f"<sup>{part}</sup>" if is_charge else f"<sub>{part}</sub>" if part and place % 2 else part)
    return "".join(parts) or None


def _chemistry_2(call: Arguments) -> str | None:
    """{{chem2|SO4(2-)}}: a charge stands in brackets, or at the end."""
    text = "".join(call.values).replace("->", "\u2192")
    text = re.sub(r"\((\d*[+\u2212-])\)", lambda charge: f"^{charge[1]}", text)
    return re.sub(r"(?<=[A-Za-z\d)\]])(?<!\^\d)(?<!\^)([+\u2212-])$", r"^\1", text) or None


def _nuclide(call: Arguments) -> str | None:
    """{{nuclide|carbon|14}}: 14C."""
    symbol = _SYMBOLS.get(call.value(1).lower()) or (call.value(1) if call.value(1) in _SYMBOLS.values() else None)
    return f"{call.value(2)}{symbol}" if symbol else None


def _element(call: Arguments) -> str | None:
    """{{carbon}}: the symbol."""
    return _SYMBOLS[call.name] if not call.values else None


RENDERERS = (
    dict.fromkeys(_SYMBOLS, _element)
    | {"chem": _chemistry, "chem2": _chemistry_2}
    | dict.fromkeys(("nuclide", "nuclide2", "simplenuclide", "simplenuclide2", "link nuclide"), _nuclide)
)
"""Renderers by the name of a template in lower case."""
