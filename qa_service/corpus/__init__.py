"""Files become articles: found, decoded, parsed, freed of clutter, described."""
