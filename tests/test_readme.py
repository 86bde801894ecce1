"""The README names what there is: families and their folders, commands, the folders of the house."""

import importlib
import pkgutil
import re

import pipelines.commands
from kernels.specs.families import FOLDERS
from pipelines.terminal.application import app
from tests.locations import PROJECT

README = (PROJECT / "README.md").read_text()


def test_every_family_has_its_folder_in_the_table_of_what_one_file_adds() -> None:
    shown = set(re.findall(r"`(kernels/[a-z/*]+)/NAME\.py`", README))
    folders = {"kernels/inference/backends"}  # which no recipe names
    folders |= {folder.replace(".", "/") for family in FOLDERS.values() for folder in family}
    assert {re.sub(r"kernels/(methods|evals/tasks)/\w+", r"kernels/\1/*", folder) for folder in folders} == shown


def test_every_command_is_in_the_readme_and_every_one_there_exists() -> None:
    for info in pkgutil.iter_modules(pipelines.commands.__path__):
        if info.name != "__main__":
            importlib.import_module(f"pipelines.commands.{info.name}")
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert commands == set(re.findall(r"`mill ([a-z]+)", README))


def test_files_that_the_readme_names_are_there() -> None:
    named = re.findall(r"`((?:kernels|assets|resources|pipelines|tests)/[\w/.]+\.(?:py|yaml))`", README)
    assert named and [name for name in named if not (PROJECT / name).exists() and "NAME" not in name] == []
