"""Formulas that are written with templates: signs of functions, roots, vectors, brackets around two values."""

from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_SIGNS: dict[str, str] = dict(
    (pair.split()[0], pair.split()[1])
    for pair in """
    alpha α,beta β,gamma γ,delta δ,epsilon ε,zeta ζ,theta θ,kappa κ,lambda λ,mu μ,nu ν,rho ρ,sigma σ,tau τ,chi χ,psi ψ,omega ω,hbar ħ,infty ∞,
    ell ℓ,varphi φ,euler e,golden φ,imath i,degree °,permil ‰,nabla ∇,partial ∂,integral ∫,sum ∑,langle ⟨,rangle ⟩,cdot ⋅,sdot ⋅,ne ≠,ge ≥,
    sun ☉,earth ⊕,muon μ
    """.replace("\n", "").split(",")
)
"""Signs, by the names of their templates; those without a value."""
_RADICALS = {"": "\u221a", "2": "\u221a", "3": "\u221b", "4": "\u221c"}


def _sign(call: Arguments) -> str | None:
    return _SIGNS[call.name] if not call.values else None


def _radical(call: Arguments) -> str | None:
    """{{radic|2}}, {{radic|2|3}}: the root of a number, the third root."""
    root = _RADICALS.get(call.value(2))
    return f"{root}({call.value(1)})" if root and call.value(1) else None


def _binomial(call: Arguments) -> str | None:
    return f"({call.value(1)} choose {call.value(2)})" if call.value(2) and call.wiki.is_english else None


def _bra_ket(call: Arguments) -> str | None:
    return f"\u27e8{call.value(1)}|{call.value(2)}\u27e9" if call.value(2) else None


def _bracket(call: Arguments) -> str | None:
    """{{closed-open|a|b}}: an interval."""
    left, right = _INTERVALS[call.name]
    return f"{left}{call.value(1)}, {call.value(2)}{right}" if call.value(2) else f"{left}{call.first}{right}" if call.first else None


def _vector(call: Arguments) -> str | None:
    return f"{call.first}\u20d7" if len(call.first) == 1 else None


def _before(sign: str) -> Callable[[Arguments], str | None]:
    return lambda call: f"{sign}{call.first}" if call.first else None


def _prime(call: Arguments) -> str | None:
    return f"{call.first}\u2032" if call.first else "\u2032"


def _underset(call: Arguments) -> str | None:
    """{{underset|below|words}}: the words with what stands below them as a subscript."""
    mark = "sup" if call.name.startswith("over") else "sub"
    return f"{call.value(2)}<{mark}>{call.value(1)}</{mark}>" if call.value(1) and call.value(2) else None


def _dental(call: Arguments) -> str | None:
    """{{DentalFormula|upper=2.1.2.3|lower=2.1.2.3}}: the teeth of the upper jaw over those of the lower one."""
    upper, lower = call.get("upper"), call.get("lower")
    return f"{upper}/{lower}" if upper and lower else None


_INTERVALS = {"open-open": "()", "closed-closed": "[]", "open-closed": "(]", "closed-open": "[)"}
RENDERERS = (
    dict.fromkeys(_SIGNS, _sign)
    | dict.fromkeys(("radic", "radical", "sqrt", "root"), _radical)
    | dict.fromkeys(_INTERVALS, _bracket)
    | dict.fromkeys(("binom", "binomial", "tbinom"), _binomial)
    | dict.fromkeys(("bra-ket", "braket", "bra-ket2"), _bra_ket)
    | dict.fromkeys(("underset", "overset"), _underset)
    | {"vec": _vector, "prime": _prime, "delta": _before("\u0394"), "dentalformula": _dental, "dental formula": _dental}
)
"""Renderers by the name of a template in lower case."""
