"""Files become articles: found, decoded, parsed, freed of boilerplate, described."""

# Whatever of this package decides what articles a file gives: raise it when any of it changes, and
# the next index run reads every file again.
READING_VERSION = "2"
