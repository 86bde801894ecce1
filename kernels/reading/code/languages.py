"""The language of a source file: by its whole name, by the name's ending, by its ``#!`` line; by content where an ending is shared.

Endings that several languages use are told apart by words only one of them has; the first language of `AMBIGUOUS` is the one taken
when none of them is found.
"""

import re
from pathlib import PurePosixPath

SUFFIXES = {
    ".ada": "ada", ".adb": "ada", ".ads": "ada", ".asm": "assembly", ".s": "assembly", ".awk": "awk", ".bat": "batch", ".cmd": "batch",
    ".c": "c", ".cs": "c#", ".cc": "c++", ".cpp": "c++", ".cxx": "c++", ".hh": "c++", ".hpp": "c++", ".hxx": "c++", ".inl": "c++",
    ".clj": "clojure", ".cljs": "clojure", ".cljc": "clojure", ".cmake": "cmake", ".cob": "cobol", ".cbl": "cobol", ".coffee": "coffeescript",
    ".lisp": "common lisp", ".lsp": "common lisp", ".cr": "crystal", ".css": "css", ".cu": "cuda", ".cuh": "cuda", ".pyx": "cython",
    ".pxd": "cython", ".d": "d", ".dart": "dart", ".el": "emacs lisp", ".ex": "elixir", ".exs": "elixir", ".elm": "elm", ".erl": "erlang",
    ".hrl": "erlang", ".fs": "f#", ".fsi": "f#", ".fsx": "f#", ".f": "fortran", ".f90": "fortran", ".f95": "fortran", ".f03": "fortran",
    ".for": "fortran", ".glsl": "glsl", ".vert": "glsl", ".frag": "glsl", ".go": "go", ".graphql": "graphql", ".gql": "graphql",
    ".groovy": "groovy", ".gradle": "groovy", ".hs": "haskell", ".html": "html", ".htm": "html", ".java": "java", ".js": "javascript",
    ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript", ".json": "json", ".jl": "julia", ".kt": "kotlin", ".kts": "kotlin",
    ".tex": "latex", ".lean": "lean", ".less": "less", ".lua": "lua", ".mk": "makefile", ".md": "markdown", ".ml": "ocaml", ".mli": "ocaml",
    ".mm": "objective-c++", ".nim": "nim", ".nix": "nix", ".pas": "pascal", ".pp": "pascal", ".pm": "perl", ".php": "php", ".ps1": "powershell",
    ".psm1": "powershell", ".proto": "protocol buffers", ".py": "python", ".pyi": "python", ".rkt": "racket", ".rst": "restructuredtext",
    ".rb": "ruby", ".rake": "ruby", ".rs": "rust", ".sass": "sass", ".scss": "scss", ".scala": "scala", ".scm": "scheme", ".ss": "scheme",
    ".sh": "shell", ".bash": "shell", ".zsh": "shell", ".sol": "solidity", ".sql": "sql", ".sv": "systemverilog", ".svh": "systemverilog",
    ".svelte": "svelte", ".swift": "swift", ".tcl": "tcl", ".tf": "terraform", ".toml": "toml", ".tsx": "typescript", ".vhd": "vhdl",
    ".vhdl": "vhdl", ".vim": "vim script", ".vb": "visual basic", ".vue": "vue", ".xsl": "xslt", ".xslt": "xslt", ".yaml": "yaml", ".yml": "yaml",
    ".zig": "zig",
}  # fmt: skip
NAMES = {
    "makefile": "makefile", "gnumakefile": "makefile", "dockerfile": "dockerfile", "containerfile": "dockerfile", "cmakelists.txt": "cmake",
    "rakefile": "ruby", "gemfile": "ruby", "vagrantfile": "ruby", "jenkinsfile": "groovy", "build.bazel": "starlark", "workspace.bazel": "starlark",
    "sconstruct": "python", "sconscript": "python", ".bashrc": "shell", ".profile": "shell", ".vimrc": "vim script",
}  # fmt: skip
INTERPRETERS = {
    "python": "python", "pypy": "python", "sh": "shell", "bash": "shell", "zsh": "shell", "dash": "shell", "ksh": "shell", "node": "javascript",
    "deno": "typescript", "ruby": "ruby", "perl": "perl", "php": "php", "lua": "lua", "awk": "awk", "gawk": "awk", "tclsh": "tcl",
    "wish": "tcl", "rscript": "r", "julia": "julia", "groovy": "groovy", "escript": "erlang", "elixir": "elixir", "runhaskell": "haskell",
    "make": "makefile", "pwsh": "powershell", "swipl": "prolog", "racket": "racket", "guile": "scheme",
}  # fmt: skip


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


_OBJECTIVE_C = _words(r"^[ \t]*(?:@(?:interface|implementation|protocol|property|class|end)\b|#[ \t]*import\b)")
AMBIGUOUS: dict[str, tuple[str | None, list[tuple[str | None, re.Pattern[str]]]]] = {
    ".h": ("c", [
        ("objective-c", _OBJECTIVE_C),
        ("c++", _words(r"^[ \t]*(?:class[ \t]+\w|namespace\b|template[ \t]*<|using[ \t]+\w"
                       r"|(?:public|private|protected)[ \t]*:)|\bstd::|\bconstexpr\b")),
    ]),
    ".m": ("matlab", [
        ("objective-c", _OBJECTIVE_C),
        ("mathematica", _words(r"\(\*|^[A-Za-z]\w*\[[A-Za-z]\w*_[\],]|\bBeginPackage\[")),
    ]),
    ".pl": ("perl", [
        ("perl", _words(r"^[ \t]*(?:use[ \t]+(?:strict|warnings|v?5)|package[ \t]+\w|sub[ \t]+\w|my[ \t]+[$@%(])")),
        ("prolog", _words(r"^[ \t]*:-|^[a-z]\w*(?:\([^()\n]{0,200}\))?[ \t]*:-")),
    ]),
    ".r": ("r", [("rebol", _words(r"\A\s{0,99}REBOL\b"))]),
    ".ts": ("typescript", [(None, _words(r"\A\s{0,99}<(?:\?xml|!DOCTYPE|TS)\b"))]),
    ".v": ("verilog", [("coq", _words(r"^[ \t]*(?:Require|Theorem|Lemma|Definition|Inductive|Proof|Fixpoint)\b"))]),
}  # fmt: skip
"""By ending: what is taken when nothing is found, and what each word found speaks for, in order. None is no language of programs."""
MAX_CONTENT_CHARS = 1 << 16
"""How much of a file is searched to tell languages apart."""

_SHEBANG = re.compile(r"#![ \t]*\S*?(?:/env[ \t]+(?:-\S+[ \t]+)*+)?([A-Za-z]+)[\d.]*(?:\s|$)")


def language_of(name: str, text: str) -> str | None:
    """Return the language of a file by its name (no folders) and text, None where it is unknown."""
    lowered = name.lower()
    if lowered in NAMES:
        return NAMES[lowered]
    if lowered.startswith("dockerfile."):
        return "dockerfile"
    suffix = PurePosixPath(lowered).suffix
    if suffix in AMBIGUOUS:
        usual, clues = AMBIGUOUS[suffix]
        head = text[:MAX_CONTENT_CHARS]
        return next((language for language, clue in clues if clue.search(head)), usual)
    return SUFFIXES.get(suffix) if suffix else _interpreted(text)


def _interpreted(text: str) -> str | None:
    match = _SHEBANG.match(text[:200].partition("\n")[0])
    return INTERPRETERS.get(match[1].lower()) if match else None


def language_patterns() -> tuple[str, ...]:
    """Return the file name patterns of all known languages, the same each time."""
    names = ("Makefile", "GNUmakefile", "Dockerfile", "Containerfile", "CMakeLists.txt", "Rakefile", "Gemfile", "Vagrantfile", "Jenkinsfile")
    return (*(f"*{suffix}" for suffix in (*SUFFIXES, *AMBIGUOUS)), "*.R", "*.S", *names)
