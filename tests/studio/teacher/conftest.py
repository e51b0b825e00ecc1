from studio.quizweb.studios import app, every_kind, good_seeds, settings
from studio.storage.databases import database, storage

__all__ = ["app", "database", "every_kind", "good_seeds", "settings", "storage"]
