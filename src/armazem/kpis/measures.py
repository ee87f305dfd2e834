"""SQL that more than one reader of the marts needs. The measures themselves are columns of the models."""

from __future__ import annotations

NO_CATEGORY = "uncategorized"
CATEGORY = f"coalesce(p.product_category_name_english, p.product_category_name, '{NO_CATEGORY}')"
"""The category of a product, where marts.dim_products is `p`: as in kpis.agg_top_selling_products."""
