"""How files of source code are judged: archives, languages, licences, and what teaches a model nothing."""
