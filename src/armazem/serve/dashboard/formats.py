"""How the pages write values: as everything that people read does, see kpis/locales.py."""

from __future__ import annotations

from armazem.kpis.locales import LOCALES, NOTHING, Format, Locale, Number

__all__ = ["LOCALES", "NOTHING", "Format", "Locale", "Number"]
