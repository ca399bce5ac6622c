"""Any string in any script: sentences, language, terms, names, what a terminal may show."""
