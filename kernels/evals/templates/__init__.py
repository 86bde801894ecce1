"""How items are put to a model: templates in Jinja's sandbox, those of benchmarks beside them and those that suit many in files here."""
