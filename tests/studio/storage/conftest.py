from studio.storage.databases import database, storage

__all__ = ["database", "storage"]
