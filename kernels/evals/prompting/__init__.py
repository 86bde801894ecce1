"""What stands before a question and how all of it is put to a model: examples, templates, chat turns."""
