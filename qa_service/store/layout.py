"""The names of what lies in the index folder."""

CURRENT = "CURRENT"
GENERATIONS = "generations"
BUILDING = "building"
CACHE = "cache"
REMOVED = "removed"
LOCK = "write.lock"
WRITER = "writer.json"
# Lies in the index folder, and among the removed files, to tell what they are on their own.
MARKER = ".qa-service-index"

# In a generation's folder, beside what the engine keeps there. The store writes these anew for each
# generation; the engine's are taken over.
ARTICLES = "articles.db"
KEYS = "keys.npy"
COLUMNS = "columns.npy"
STATISTICS = "statistics.npz"
OWN = frozenset({ARTICLES, KEYS, COLUMNS, STATISTICS})
