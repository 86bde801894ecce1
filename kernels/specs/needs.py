"""What methods, tasks and filters need beside their config, as values.

A spec names its needs; the assets that serve them know, for each kind, what the recipe says of it, which cells it hangs on and how it is
fetched (assets/models/needs.py). A job gets one path a need.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Parent:
    """A checkpoint that another is made from: its folder. The recipe's ``from`` names parents in the order of the method's needs."""

    role: str
    """``parent``, ``teacher``, ``reward``: what the method uses it as."""


@dataclass(frozen=True)
class Mixture:
    """A packed mixture: its folder. The recipe's ``data`` names it."""


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer of the method's mixture: its folder, in Transformers form."""


@dataclass(frozen=True)
class Examples:
    """Documents to learn from, of the sources that the recipe's ``data`` lists: one Parquet file (schema `kernels.documents.schema.DOCUMENTS`)."""

    form: Literal["conversations", "pairs", "prompts", "labels"]
    """What the turns of each document are read as; what is none of it is counted by the method."""


@dataclass(frozen=True)
class Package:
    """A folder or file that somebody else made: its path. The recipe's ``data`` says where it is."""

    is_optional: bool = False
    """Whether a recipe may leave it out; a job then has no path of it."""


@dataclass(frozen=True)
class DataFile:
    """The data file of a task: its path. The recipe's ``data`` says where it is."""


@dataclass(frozen=True)
class HeldOut:
    """The held-out documents of a mixture: one Parquet file (id, source, text). The recipe's ``data`` names the mixture."""


@dataclass(frozen=True)
class SecretKey:
    """A secret key of the recipe: its file."""

    name: str


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier that the recipe trains: its folder."""

    name: str


MethodNeed = Parent | Mixture | Tokenizer | Examples | Package
TaskNeed = DataFile | HeldOut
FilterNeed = SecretKey | TrainedClassifier
