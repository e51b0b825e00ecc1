"""Every sentence that people see, in Korean and English."""

from ridgeway.locale.catalogue import LANGUAGES, catalogue, check_language, text

__all__ = ["LANGUAGES", "catalogue", "check_language", "text"]
