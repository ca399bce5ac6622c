"""One reader per format: a file's path in, its articles as drafts out."""
