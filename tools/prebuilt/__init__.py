"""CPythons that others have compiled: kept in a registry, fetched by digest."""
