from studio.quizweb.studios import app, settings
from studio.storage.databases import database, storage

__all__ = ["app", "database", "settings", "storage"]
