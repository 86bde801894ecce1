"""The recipe: one YAML file that states the whole life of a model.

The schema is assembled from the specs that the kernels declare: a new source format, filter, method or eval appears here without a line
of change. Unknown keys, dangling names and cycles are errors that name file, line, key and the nearest valid name.
"""

import functools
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from assets.corpus.classifiers import ClassifierEntry
from assets.corpus.decontamination import DecontaminationConfig
from assets.corpus.deduplication import DeduplicationEntry
from assets.corpus.documents import SourceLimits
from assets.corpus.report import GroupLimits
from assets.evals.ladder import LadderEntry
from assets.graph.waivers import Waiver
from assets.models.checks import CONTAMINATION_CHECK, ContaminationLimits
from kernels.evals.gates import GateConfig
from kernels.specs.config import Config, fault_of_key
from kernels.specs.families import FamilyName, expanded, made_config, specs, tagged
from kernels.specs.methods import Method
from kernels.specs.needs import Examples, Mixture
from kernels.specs.tokenizers import AnyTokenizer, TokenizerOfFile, TokenizerOfModel
from kernels.tokens.mixtures.config import MixtureConfig
from pipelines.recipe.accelerate_files import with_files
from pipelines.recipe.cron import EVERY_DAY, fault_of_cron
from pipelines.recipe.descriptions import describe
from pipelines.recipe.faults.finding import find_faults
from pipelines.recipe.run_entry import RunEntry
from pipelines.recipe.sizes import unfolded
from pipelines.recipe.yaml_source import RecipeError, read_yaml

EMBEDDED = "embedded:"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
ProjectName: Any = Annotated[str, StringConstraints(pattern=r"^[^/\\#?%:]+$", max_length=128)]
WANDB_PROJECT = (
    "Project of Weights & Biases: what its training tells is kept as an offline run beside the lake, and the step's log and the model's metadata say "
    "how it is sent (`wandb sync`). It changes no byte of the model, and nothing of one that stands. Needs the extra wandb."
)


def kernel_config(family: FamilyName, name: str, chosen: Config) -> Config:
    """Return the part of a recipe's entry that is the kernel's own config."""
    config = expanded(specs(family)[name].config)
    return config.model_validate(chosen.model_dump(include=set(config.model_fields)))


class SourceEntry(Config):
    """One corpus: its files, how they are read, and which filters its documents pass, in order."""

    path: str
    """Folder or file: relative to the recipe, absolute, any fsspec URL, or ``embedded:NAME`` for data shipped with modelmill."""
    snapshot: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")] = "base"
    """Names the state of the corpus; part of its partitions' keys."""
    files_per_partition: Annotated[int, Field(gt=0)] = 1
    """How many new files make one partition."""
    patterns: list[str] | None = None
    """File name patterns to read; by default the format's own."""
    about: str | None = None
    """What the corpus is and who made it, in a sentence, for data cards."""
    licence: str | None = None
    """Under which terms it may be used: an SPDX expression (https://spdx.org/licenses) or words, for data cards."""
    limits: SourceLimits = SourceLimits()
    """What its partitions should look like; one outside is shown as a warning."""


class TokenizerEntry(Config):
    """The recipe's tokenizer."""


def _tokenizer_keys(spec: AnyTokenizer) -> dict[str, Any]:
    """Return the keys that a tokenizer's entry has beside its config: what it is made from."""
    if isinstance(spec, TokenizerOfModel):
        return {"model": (Name, Field(description="The model of this recipe that it is taken from."))}
    if isinstance(spec, TokenizerOfFile):
        told = "Folder in Transformers form, or a tokenizer.json: relative to the recipe, absolute, or any fsspec URL."
        return {"path": (str, Field(min_length=1, description=told))}
    count = Field(gt=0, description="How many partitions of each, counted from the first, so that the tokenizer stays as it is when data arrives.")
    return {
        "sources": (list[Name], Field(min_length=1, description="Sources whose text it is trained on.")),
        "partitions_per_source": (int, count),
    }


class MixtureEntry(MixtureConfig):
    """One mixture, which partitions it reads, and the tokenizer that it is packed by."""

    first_partitions: dict[str, Annotated[int, Field(gt=0)]] = Field(default={})
    """How many partitions of a source it reads, by its name, counted from the first that came, so that it stays as it is when others come; of a
    source that is not named it reads all."""

    tokenizer: Name | None = None
    """One of the recipe's ``tokenizers``; left out where there is only one."""

    @model_validator(mode="after")
    def _counts_partitions_of_its_sources(self) -> Self:
        if unknown := sorted(set(self.first_partitions) - self.named):
            told = f"no weight names {', '.join(unknown)}; name sources of the mixture: {', '.join(sorted(self.named))}"
            raise fault_of_key("first_partitions", told)
        return self


class ModelEntry(Config):
    """One checkpoint."""

    parents: list[Name] = Field(default=[], alias="from")
    """The models it is made from, in the order its method names them."""
    data: str | list[Name] | None = None
    """A mixture's name, a list of sources, or a path, as its method says."""
    run: RunEntry = RunEntry()
    """Where it is made."""


class EvalEntry(Config):
    """One task that every model's report includes."""

    data: str | None = None
    """A data file (path or ``embedded:``), or for held-out tasks the name of a mixture."""


class ReleaseEntry(GateConfig):
    """Which model is released when it is not worse than the one that stands."""

    candidate: Name
    """A model of this recipe."""


class ScheduleEntry(Config):
    """When the recipe is brought up to date by itself. Both run only while the Dagster daemon runs and they are switched on."""

    refresh: Annotated[str, StringConstraints(pattern=r"^\S+ \S+ \S+ \S+ \S+$")] = EVERY_DAY
    """Cron expression (UTC) of the daily refresh."""
    watch_seconds: Annotated[int, Field(ge=30)] = 60
    """How often source folders are looked at for new files."""
    until: str | None = None
    """Stage (``corpus``, ``tokens``, ``models``, ``evals``) or asset past which neither of them makes anything, such as ``tokens`` to keep data
    fresh and leave models alone."""
    stale_after_hours: Annotated[int, Field(gt=0)] = 48
    """Age past which the corpus counts as not fresh."""

    @field_validator("refresh")
    @classmethod
    def _comes_round(cls, refresh: str) -> str:
        fault = fault_of_cron(refresh)
        if fault:
            raise ValueError(fault)
        return refresh


def _method_keys(spec: Method) -> dict[str, Any]:
    """Return the keys that a model's entry has by its method: sizes, and thresholds of the method's own checks."""
    keys: dict[str, Any] = {}
    if "num_steps" in spec.config.model_fields:
        keys["wandb_project"] = (ProjectName | None, Field(default=None, description=WANDB_PROJECT))
    if any(isinstance(need, Mixture) for need in spec.needs):
        sizes = "Sizes by name, each with what it changes of the entry: the model NAME becomes the models NAME_SIZE, with a scaling law through them."
        keys["sizes"] = (dict.__class_getitem__((Name, dict[str, Any])), Field(default={}, description=sizes))
        keys["held_out"] = (list[Name], Field(default=[], description="Sizes that the law is not fitted to, but checked against."))
    checks: dict[str, Any] = {check.name: (type(check.limits), Field(default=check.limits, description=check.description)) for check in spec.checks}
    if any(isinstance(need, Mixture | Examples) for need in spec.needs):
        checks[CONTAMINATION_CHECK] = (ContaminationLimits, Field(default=ContaminationLimits(), description="Of documents it is trained on."))
    if not checks:
        return keys
    limits = made_config(f"{spec.name.title().replace('_', '')}Checks", Config, "Thresholds of the method's checks.", checks)
    return {**keys, "checks": (limits, Field(default=limits(), description="Thresholds of the checks on it."))}


@functools.cache
def recipe_type() -> type["RecipeBase"]:
    """Return the pydantic model of a whole recipe."""
    step: Any = tagged("filters", "kind")
    source: Any = tagged("sources", "format", SourceEntry, lambda spec: {"filters": (list[step], [])})
    tokenizer: Any = tagged("tokenizers", "method", TokenizerEntry, _tokenizer_keys)

    def by_name(entry: Any) -> Any:
        return dict.__class_getitem__((Name, entry))

    chosen: dict[str, Any] = {
        "sources": by_name(source),
        "tokenizer": tokenizer | None,
        "tokenizers": by_name(tokenizer),
        "models": by_name(tagged("methods", "method", ModelEntry, _method_keys)),
        "evals": by_name(tagged("tasks", "task", EvalEntry)),
    }
    fields = RecipeBase.model_fields
    own = {name: (kind, Field(default=fields[name].default, description=fields[name].description)) for name, kind in chosen.items()}
    return made_config("Recipe", RecipeBase, RecipeBase.__doc__, own)


class RecipeBase(Config):
    """The whole life of a model."""

    name: Name
    """Prefix of all its assets; unique among the recipes loaded together."""
    description: str = ""
    """What it makes, for readers."""
    owner: Annotated[str, StringConstraints(pattern=r"^(team:[A-Za-z0-9_]+|[^@\s]+@[^@\s]+\.[^@\s]+)$")] | None = None
    """E-mail address or ``team:name`` shown as the owner of its assets."""
    sources: dict[str, Any] = Field(default={})
    """Corpora, by name."""
    arrival: list[str] = Field(default=[])
    """In which order sources arrive that are first seen together; those not named here follow by name. Of two documents that are alike the one
    that arrived first is kept. What has arrived keeps its place, whatever is written here later."""
    keys: dict[Name, str] = Field(default={})
    """Files of secret keys by name, for filters that ask for one. Only their digests are stored; keep them out of the repository."""
    classifiers: dict[Name, ClassifierEntry] = Field(default={})
    """Classifiers for filters, trained on the sources' own documents."""
    deduplication: DeduplicationEntry | None = None
    """Deduplication over all sources, in order of arrival; a recipe with sources states it."""
    groups: GroupLimits = GroupLimits()
    """How much less often than others a group of people may be mentioned after curation; past it, a check warns."""
    decontamination: DecontaminationConfig = DecontaminationConfig(ngram=13)
    """What becomes of documents that share words with the recipe's evals."""
    tokenizer: Any = None
    """The recipe's only tokenizer."""
    tokenizers: dict[str, Any] = Field(default={})
    """Tokenizers by name, where a recipe has several; mixtures say which they are packed by."""
    mixtures: dict[Name, MixtureEntry] = Field(default={})
    """Packed training data, by name."""
    models: dict[str, Any] = Field(default={})
    """Checkpoints, by name; each may be made from any others."""
    evals: dict[str, Any] = Field(default={})
    """What every model is asked, by name."""
    ladders: dict[Name, LadderEntry] = Field(default={})
    """Scaling laws through models of this recipe, by name; ``sizes`` of a model makes one."""
    release: ReleaseEntry | None = None
    """The release gate."""
    schedules: ScheduleEntry = ScheduleEntry()
    waivers: list[Waiver] = Field(default=[])
    """Decisions over single cells that a check stopped: accepted as they are, or left out, each with its reason and for one content only."""
    keep_versions: Annotated[int, Field(ge=1)] = 2
    """Versions of every artifact that are kept, the standing one among them. What is released, pinned or being read stays beyond that."""


class Recipe(NamedTuple):
    """A valid recipe and the file it stands in."""

    path: Path
    entries: RecipeBase

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.entries.name

    def locate(self, path: str, embedded: Path) -> str:
        """Return an absolute path or URL for a path as a recipe writes it.

        Raises:
            RecipeError: the path of embedded data leads out of them.
        """
        if path.startswith(EMBEDDED):
            inner = PurePosixPath(path.removeprefix(EMBEDDED).replace("\\", "/"))
            if inner.is_absolute() or ".." in inner.parts or not inner.parts:
                raise RecipeError(f"{self.path}: {path!r} leads out of the embedded data; write {EMBEDDED}NAME or {EMBEDDED}NAME/FILE")
            return str(embedded / inner)
        return path if "://" in path else str((self.path.parent / Path(path).expanduser()).absolute())


def load_recipe(path: Path) -> Recipe:
    """Read and validate one recipe.

    Raises:
        RecipeError: with every fault found, one a line, each with file, line, key and remedy.
    """
    source = with_files(unfolded(read_yaml(path)))
    try:
        entries = recipe_type().model_validate(source.value)
    except ValidationError as error:
        raise RecipeError("\n".join(describe(source, recipe_type(), dict(fault)) for fault in error.errors())) from None
    faults = [f"{path}:{source.line(location)}: {'.'.join(map(str, location))}: {message}" for location, message in find_faults(entries)]
    if faults:
        raise RecipeError("\n".join(faults))
    return Recipe(path.absolute(), entries)
