"""Trainings by trainers that run elsewhere: what they are to be told, file by file and argument by argument."""
