"""How each version of the standard spells the models: one file per version."""
