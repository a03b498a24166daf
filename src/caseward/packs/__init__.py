"""YAML in, core types out: packs are read, checked and proved here and nowhere else."""
